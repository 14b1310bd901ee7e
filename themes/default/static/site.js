/* Comfort only: everything works without this file. Old browsers: nothing newer than ES2015.
   1. In the elder mode: a button that reads a publication aloud.
   2. On a sheet for the board: a button that prints. */
(function () {
  "use strict";

  function button(text, where, before, name) {
    var it = document.createElement("button");
    it.type = "button";
    it.className = name;
    it.textContent = text;
    where.insertBefore(it, before);
    return it;
  }

  function readAloud() {
    var article = document.querySelector("[data-read]");
    var speech = window.speechSynthesis;
    if (!article || !speech || !document.documentElement.classList.contains("elder")) { return; }
    var title = article.querySelector("h1");
    var it = button("读给我听", article, title ? title.nextSibling : null, "button button--quiet read");
    var waiting = [];

    function stop() {
      waiting = [];
      speech.cancel();
      it.textContent = "读给我听";
    }
    function next() {
      var text = waiting.shift();
      if (!text) { stop(); return; }
      var voice = new window.SpeechSynthesisUtterance(text);
      voice.lang = "zh-CN";
      voice.rate = 0.9;
      voice.onend = function () { if (waiting.length) { next(); } else { stop(); } };
      voice.onerror = stop;
      speech.speak(voice);
    }
    it.addEventListener("click", function () {
      if (it.textContent === "停下") { stop(); return; }
      var nodes = article.querySelectorAll("h1, h2, h3, p, li, dt, dd, caption, th[scope=row], td");
      Array.prototype.forEach.call(nodes, function (node) {
        if (node.querySelector("p, li, td") || node.className === "blank") { return; }
        var label = node.getAttribute("data-label");
        var text = node.textContent.replace(/\s+/g, " ").trim();
        // Engines fall silent in the middle of long texts: one sentence at a time.
        (label ? label + "，" + text : text).split(/[。！？；]/).forEach(function (part) {
          if (part.trim()) { waiting.push(part); }
        });
      });
      it.textContent = "停下";
      next();
    });
    window.addEventListener("pagehide", stop);
  }

  function printSheet() {
    var tools = document.querySelector(".board__tools");
    if (!tools || !window.print) { return; }
    button("打印", tools, tools.firstChild, "print").addEventListener("click", function () {
      window.print();
    });
  }

  readAloud();
  printSheet();
}());
