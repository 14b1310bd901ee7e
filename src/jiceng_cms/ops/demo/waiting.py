"""What still waits at the end of the demo: drafts, reviews and a correction for the back office.

Days count back from today, so that deadlines are near and something is always to be done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import TableSpec
from .places import FIRST_COMMUNITY, FIRST_VILLAGE

#: How far a piece has come: still a draft; returned with a remark; signed by nobody, by one, by
#: enough (an approver can publish); with an objection that waits for its answer; handed to the
#: Party's examiner.
Progress = Literal["draft", "returned", "unsigned", "one", "ready", "objected", "examine"]


@dataclass(frozen=True)
class WaitingSpec:
    """A piece of work that is not published yet; it was begun ``days`` days ago."""

    unit: str
    kind: Literal["party", "affairs", "finance"]
    progress: Progress
    days: int
    title: str
    item: str
    summary: str
    body: str
    tables: tuple[TableSpec, ...] = ()
    remark: str = ""
    due_in: int = 6


WAITING: tuple[WaitingSpec, ...] = (
    WaitingSpec(
        FIRST_VILLAGE, "affairs", "draft", 1, "冬季水管防冻包扎户数", "公共设施",
        "入冬前给露在外面的水表和水管包保温棉，一共包了 86 处。材料钱由集体出，不向各户收。",
        "先包了水塔和泵房，再按组一户一户走。\n还有六处在老屋后墙，要等房主回来才能进院子。",
        (TableSpec("各组包扎处数", ("小组", "水表", "水管接头"), (("上塝组", "21", "17"), ("下塝组", "15", "12"), ("桥头组、竹坑组", "11", "10"))),),
    ),
    WaitingSpec(
        FIRST_VILLAGE, "affairs", "returned", 3, "老年活动室添置取暖设备比价情况", "集体采购",
        "比了三家，打算买四台油汀，一共 1,960.00 元。插座和电线先请电工看过再装。",
        "三家都送到村，保修都是两年，价钱差在运费上。\n买来放在活动室和图书角，下班由值班人员关电。",
        (TableSpec("三家报价（单位：元）", ("店家", "单价", "四台合计"),
                   (("甲店", "490.00", "1,960.00"), ("乙店", "515.00", "2,060.00"), ("丙店", "538.00", "2,152.00"))),),
        remark="请写明插座改造的钱从哪里出，再送一次。",
    ),
    WaitingSpec(
        FIRST_VILLAGE, "affairs", "one", 2, "冬春水利岁修用工安排", "农田水利",
        "十二月上旬清两条支渠，用工 34 个，每个工 130.00 元，从水利维修款里付。愿意出工的到组长那里报名。",
        "先清支渠口的淤泥，再补两处塌了的渠沿。\n工日当天记、当天签字，月底汇总公布。",
    ),
    WaitingSpec(
        FIRST_VILLAGE, "finance", "ready", 4, "集体山林护林补助发放预告", "财务收支",
        "三名护林员下半年补助每人 1,800.00 元，合计 5,400.00 元，准备从山林管护款里发。对人数和钱数有意见的，公布前可以提。",
        "巡山记录已交监督委员会核对，雨天没有上山的日子没有算进去。",
        (TableSpec("补助计算（单位：元）", ("人数", "月数", "每月", "合计"), (("3", "6", "300.00", "5,400.00"),)),),
    ),
    WaitingSpec(
        FIRST_VILLAGE, "affairs", "objected", 3, "礼堂桌椅对外借用办法（试行）", "集体资产",
        "婚丧喜事借礼堂桌椅，本村不收钱，外村每桌收 5.00 元损耗费。损坏的照价赔，收的钱记进集体账。",
        "借之前到办公室登记，还的时候当面点数。\n试行半年，开春的代表会议再定要不要改。",
    ),
    WaitingSpec(
        FIRST_VILLAGE, "party", "examine", 2, "十二月主题党日安排", "党的组织生活",
        "十二月主题党日去清扫村口到渡口的路面，下午学习新修改的组织法。在外的党员用电话参加学习。",
        "上午八点在村口集合，工具由村里准备。\n下午的学习材料印成大字版，放在活动室。",
    ),
    WaitingSpec(
        FIRST_COMMUNITY, "affairs", "draft", 1, "社区食堂试菜意见汇总", "为老服务",
        "请了 24 位老人试菜，主要意见是盐要再少一点、鱼要剔刺。食堂答应下周起照改。",
        "意见卡一共收回 22 张，还有两位老人是口头说的，由值班人员记下。",
    ),
    WaitingSpec(
        FIRST_COMMUNITY, "affairs", "unsigned", 1, "地下车库积水点整治方案", "公共设施",
        "和馨里地下车库两处积水，准备加一台水泵、抬高一段坡口，预计 8,600.00 元。钱从公共收益里出，不另外收费。",
        "物业报了方案，社区请懂行的居民一起看过现场。\n施工三天，东口照常进出，西口临时关闭。",
        (TableSpec("预算（单位：元）", ("项目", "金额"), (("水泵和管件", "3,900.00"), ("坡口抬高", "4,700.00"), ("合计", "8,600.00"))),),
    ),
    WaitingSpec(
        FIRST_COMMUNITY, "affairs", "ready", 4, "楼道照明更换结果", "公共设施",
        "丝厂宿舍 12 个楼道的灯换成了声控灯，共 72 盏，花了 2,448.00 元。旧灯已经交回收点，卖得的 36.00 元入账。",
        "每盏灯 34.00 元，包安装。\n灯亮的时间是一分钟，觉得短的可以告诉楼组长，能调。",
    ),
    WaitingSpec(
        FIRST_COMMUNITY, "finance", "one", 2, "公共收益第四季度支出计划", "财务收支",
        "第四季度打算从公共收益里支出 15,300.00 元，用在车库整治、楼道灯和门禁维修三件事上。支出之后再公布实际数。",
        "九月底公共收益账上有 41,260.00 元，全部花完这三件事还剩 25,960.00 元。",
    ),
)
