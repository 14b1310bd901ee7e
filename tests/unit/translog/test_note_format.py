"""Signed notes and checkpoints: examples of the specifications, and everything malformed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.translog.checkpoint import Checkpoint, CheckpointError
from jiceng_cms.translog.merkle import EMPTY_ROOT
from jiceng_cms.translog.note import (
    NoteError,
    SignatureLine,
    Signer,
    Verifier,
    open_note,
    parse_note,
    sign_note,
)

# The example of golang.org/x/mod/sumdb/note: facts of another implementation.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfq"
    "dngotpRZb6KE6RyyBwJnAM=\n"
)

ours = Signer("village.example/log", b"a" * 32)
witness = Signer("witness.example", b"w" * 32)


def test_example_of_another_implementation_is_read_and_made():
    assert open_note(TEXT + "\n" + LINE, Verifier.decode(VKEY)).text == TEXT
    assert sign_note(TEXT, Signer.decode(SKEY)) == TEXT + "\n" + LINE
    assert Signer.decode(SKEY).verifier.encode() == VKEY
    assert Signer.decode(SKEY).encode() == SKEY


@given(st.text(st.characters(codec="utf-8", min_codepoint=0x20)), st.binary(min_size=32, max_size=32))
def test_what_is_signed_opens_to_the_same_text(text, seed):
    signer = Signer("日志.example", seed)
    note = sign_note(text + "\n", signer)
    assert open_note(note.encode(), signer.verifier).text == text + "\n"
    with pytest.raises(NoteError):
        open_note("x" + note, signer.verifier)


def test_text_may_hold_empty_lines():
    text = "one\n\ntwo\n"
    assert open_note(sign_note(text, ours), ours.verifier).text == text


def test_several_signatures_each_known_one_verified_the_rest_ignored():
    note = sign_note(TEXT, ours, witness)
    both = open_note(note, ours.verifier, witness.verifier)
    assert [line.name for line in both.verified] == [ours.name, witness.name]
    one = open_note(note, ours.verifier)
    assert [line.name for line in one.unknown] == [witness.name]


def test_same_name_or_same_id_with_another_key_is_ignored():
    stranger = Signer(ours.name, b"s" * 32)
    same_id = SignatureLine("someone.example", ours.verifier.id, b"x" * 64)
    note = sign_note(TEXT, stranger, ours, others=[same_id])
    assert len(open_note(note, ours.verifier).unknown) == 2
    with pytest.raises(NoteError, match="no known key"):
        open_note(sign_note(TEXT, stranger, others=[same_id]), ours.verifier)


def test_wrong_line_of_a_known_key_spoils_the_whole_note():
    wrong = SignatureLine(ours.name, ours.verifier.id, b"x" * 64)
    with pytest.raises(NoteError, match="is wrong"):
        open_note(sign_note(TEXT, witness, others=[wrong]), ours.verifier, witness.verifier)


def test_repeated_line_says_nothing_new():
    line = parse_note(sign_note(TEXT, ours))[1][0]
    note = open_note(sign_note(TEXT, ours, others=[line]), ours.verifier)
    assert len(note.verified) == 1


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"\xff\n\n" + LINE.encode(),
        ("a\x00b\n\n" + LINE).encode(),
        ("a\tb\n\n" + LINE).encode(),
        (TEXT + "\n" + LINE.rstrip("\n")).encode(),
        (TEXT + "\n" + LINE.replace("—", "-")).encode(),
        (TEXT + "\n" + LINE.replace("Peter", "Peter+")).encode(),
        (TEXT + "\n— PeterNeumann x08g\n").encode(),
        (TEXT + "\n— PeterNeumann ####\n").encode(),
        (TEXT + "\n" + LINE + "more\n").encode(),
        (TEXT + "\n" + LINE * 101).encode(),
        b"x" * 1_000_001,
    ],
)
def test_malformed_note_is_refused(note):
    with pytest.raises(NoteError):
        open_note(note, Verifier.decode(VKEY))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u3000b", "\ud800"])
def test_name_that_would_break_the_format(name):
    with pytest.raises(NoteError):
        Signer(name, b"a" * 32)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a+b",
        VKEY.replace("c74f", "c74e"),
        VKEY.replace("Peter", "Petra"),
        VKEY[:-4],
        VKEY + "AA==",
        "x+00000000+" + base64.b64encode(b"\x02" + b"k" * 32).decode(),
    ],
)
def test_malformed_verifier_key(key):
    with pytest.raises(NoteError):
        Verifier.decode(key)


@pytest.mark.parametrize("key", ["", VKEY, SKEY.replace("c74f", "c74e"), SKEY[:-4]])
def test_malformed_signer_key_is_not_repeated_in_the_error(key):
    with pytest.raises(NoteError) as caught:
        Signer.decode(key)
    assert "AYEKFAL" not in str(caught.value)


def test_private_key_is_not_shown():
    assert "a" * 32 not in repr(ours)
    assert ours.encode() not in repr(ours)


def test_checkpoint_of_the_specification():
    text = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    checkpoint = Checkpoint.parse(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == text


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_checkpoint_survives_its_text(size, root):
    checkpoint = Checkpoint("village.example/log", size, root, ("extra",))
    assert Checkpoint.parse(checkpoint.text) == checkpoint
    assert Checkpoint.open(checkpoint.sign(ours), ours.verifier) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n0\n",
        "o\n0\nAAAA\n",
        "\n0\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n１\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nx\n",
    ],
)
def test_malformed_checkpoint(text):
    with pytest.raises(CheckpointError):
        Checkpoint.parse(text)


def test_checkpoint_has_an_origin_on_one_line():
    for origin in ("", "a\nb"):
        with pytest.raises(CheckpointError):
            Checkpoint(origin, 0, EMPTY_ROOT)
