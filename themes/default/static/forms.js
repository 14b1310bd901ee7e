/* Makes the back office's forms quicker: rows without a reload, saving by itself, a copy on this
   computer, counters, a warning before leaving. Every form works without this file.
   Old Chromium in chat programs reads it too: nothing newer than ES2017, one listener a kind. */
(function () {
  'use strict';

  var SAVE_EVERY = 20000;
  var KEEP_DAYS = 7;
  var english = (document.documentElement.lang || '').indexOf('en') === 0;
  var WORDS = english ? {
    left: 'You can write {n} more characters', over: '{n} characters too many',
    saving: 'Saving…', saved: 'Saved at {t}',
    offline: 'The system cannot be reached. What you typed is kept on this computer; saving will be tried again.',
    ended: 'Your login has ended. What you typed is kept on this computer: log in again and open this page.',
    found: 'This computer kept something from {t} that was not saved.',
    remove: 'This item has content. Delete it?'
  } : {
    left: '还可以写 {n} 个字', over: '多了 {n} 个字，请缩短',
    saving: '正在保存…', saved: '已保存 {t}',
    offline: '现在连不上系统，您填的内容先留在这台电脑上，稍后会再试着保存。',
    ended: '登录已经过期，您填的内容留在这台电脑上。请重新登录后再打开这一页。',
    found: '这台电脑上留着 {t} 没有保存的内容。',
    remove: '这一项里有内容，确定删除吗？'
  };

  function all(selector, root) {
    return Array.prototype.slice.call((root || document).querySelectorAll(selector));
  }
  function words(name, values) {
    return WORDS[name].replace(/\{(\w)\}/g, function (whole, key) { return values[key]; });
  }
  function clock(date) {
    return ('0' + date.getHours()).slice(-2) + ':' + ('0' + date.getMinutes()).slice(-2);
  }
  function moment(date) {
    var day = english ? date.toDateString() : (date.getMonth() + 1) + '月' + date.getDate() + '日';
    return date.toDateString() === new Date().toDateString() ? clock(date) : day + ' ' + clock(date);
  }

  /* --- what the form holds ---------------------------------------------------------------- */

  var OURS = { csrf_token: 1, etag: 1, idempotency: 1, button: 1 };

  /* [name, value] in the order of the page, with the markers of rows, without files, passwords
     and our own fields. */
  function pairs(form) {
    var list = [];
    var secret = {};
    all('input[type=password]', form).forEach(function (input) { secret[input.name] = 1; });
    Array.from(new FormData(form).entries()).forEach(function (pair) {
      if (typeof pair[1] === 'string' && !OURS[pair[0]] && !secret[pair[0]]) {
        list.push([pair[0], pair[1].replace(/\r\n?/g, '\n')]);
      }
    });
    return list;
  }
  function snapshot(form) { return JSON.stringify(pairs(form)); }

  /* Radios are named by an id that differs from page to page: compare and keep values only. */
  function same(one, other) {
    function bare(list) {
      return JSON.stringify(JSON.parse(list).map(function (pair) {
        return /^deformField/.test(pair[0]) ? ['', pair[1]] : pair;
      }));
    }
    return bare(one) === bare(other);
  }

  /* --- the copy on this computer ---------------------------------------------------------- */

  function remember(key, text, etag) {
    try {
      window.localStorage.setItem('jiceng-draft:' + key,
        JSON.stringify({ at: Date.now(), text: text, etag: etag }));
    } catch (error) { /* private window, or full: saving to the system still works */ }
  }
  function forget(key) {
    try { window.localStorage.removeItem('jiceng-draft:' + key); } catch (error) { /* as above */ }
  }
  function recall(key) {
    try {
      var kept = JSON.parse(window.localStorage.getItem('jiceng-draft:' + key));
      if (kept && Date.now() - kept.at < KEEP_DAYS * 86400000) { return kept; }
    } catch (error) { /* unreadable: as if there were none */ }
    forget(key);
    return null;
  }

  /* --- one form --------------------------------------------------------------------------- */

  function Sheet(form) {
    this.form = form;
    this.key = form.getAttribute('data-draft') || '';
    this.url = form.getAttribute('data-autosave') || '';
    this.status = form.querySelector('[data-status]');
    this.saved = snapshot(form);   // what the system holds
    this.tried = this.saved;       // what was last offered to it
    // a page that comes back with errors shows what is not saved yet
    this.unsaved = !!form.querySelector('[data-errors]');
    this.sending = false;
    this.stopped = false;
  }
  Sheet.prototype.say = function (text) {
    if (this.status && this.status.textContent !== text) { this.status.textContent = text; }
  };
  Sheet.prototype.dirty = function () {
    return this.unsaved || snapshot(this.form) !== this.saved;
  };
  Sheet.prototype.etag = function () {
    return this.form.querySelector('input[name=etag]') || { value: '' };
  };
  Sheet.prototype.keep = function () {
    if (this.key && this.dirty()) { remember(this.key, snapshot(this.form), this.etag().value); }
  };
  Sheet.prototype.save = function () {
    var sheet = this;
    var now = snapshot(this.form);
    if (!this.url || this.sending || this.stopped || now === this.saved || now === this.tried) { return; }
    this.sending = true;
    this.say(WORDS.saving);
    var body = new FormData(this.form);
    body.append('button', 'autosave');
    var token = this.form.querySelector('input[name=csrf_token]');
    window.fetch(this.url, {
      method: 'POST', body: body, credentials: 'same-origin', redirect: 'error',
      headers: { 'X-CSRF-Token': token ? token.value : '', 'Accept': 'application/json' }
    }).then(function (response) {
      return response.json().catch(function () { return {}; }).then(function (answer) {
        sheet.tried = now;
        if (response.ok) {
          sheet.saved = now;
          sheet.unsaved = false;
          if (answer.etag) { sheet.etag().value = answer.etag; }
          if (sheet.key) { forget(sheet.key); }
          sheet.say(words('saved', { t: clock(new Date()) }));
        } else if (response.status === 401) {
          sheet.stopped = true;
          sheet.say(WORDS.ended);
        } else {
          // 409, 412: somebody else changed it; saving on would overwrite them
          sheet.stopped = response.status === 409 || response.status === 412;
          sheet.say(answer.message || WORDS.offline);
        }
      });
    }).catch(function () {
      sheet.say(WORDS.offline);
    }).then(function () { sheet.sending = false; });
  };
  Sheet.prototype.offer = function () {
    var sheet = this;
    var box = this.form.querySelector('[data-restore]');
    var kept = this.key && recall(this.key);
    if (!box || !kept || this.unsaved) { return; }
    try { if (same(kept.text, this.saved)) { forget(this.key); return; } } catch (error) { forget(this.key); return; }
    box.querySelector('[data-restore-text]').textContent = words('found', { t: moment(new Date(kept.at)) });
    box.hidden = false;
    box.querySelector('[data-restore-yes]').addEventListener('click', function () { sheet.restore(kept); });
    box.querySelector('[data-restore-no]').addEventListener('click', function () {
      forget(sheet.key);
      box.hidden = true;
    });
  };
  /* The server draws it again, rows and all, without saving anything. */
  Sheet.prototype.restore = function (kept) {
    var copy = document.createElement('form');
    copy.method = 'post';
    copy.enctype = 'multipart/form-data';
    copy.action = this.form.getAttribute('action');
    function put(name, value) {
      var field = document.createElement('textarea'); // keeps line breaks, unlike an input
      field.name = name;
      field.value = value;
      copy.appendChild(field);
    }
    all('input[name=csrf_token], input[name=idempotency]', this.form).forEach(function (input) {
      put(input.name, input.value);
    });
    // the revision that the copy began from: a change by somebody else since then must show
    if (kept.etag) { put('etag', kept.etag); }
    JSON.parse(kept.text).forEach(function (pair) { put(pair[0], pair[1]); });
    put('button', 'restore');
    copy.hidden = true;
    document.body.appendChild(copy);
    this.left = true;
    copy.submit();
  };

  /* --- rows ------------------------------------------------------------------------------- */

  var made = 0;

  function rowsOf(box) {
    return Array.prototype.filter.call(box.querySelector('[data-rows-list]').children, function (child) {
      return child.hasAttribute('data-row');
    });
  }
  function renumber(box) {
    var rows = rowsOf(box);
    var most = Number(box.getAttribute('data-most')) || Infinity;
    rows.forEach(function (row, index) {
      row.querySelector('[data-row-number]').textContent = index + 1;
      all('[data-row-do]', row).forEach(function (button) {
        if (button.closest('[data-row]') !== row) { return; }
        var verb = button.getAttribute('data-row-do');
        button.value = button.value.replace(/\d+$/, index);
        button.disabled = (verb === 'up' && index === 0) || (verb === 'down' && index === rows.length - 1);
      });
    });
    all('[data-rows-add]', box).forEach(function (button) {
      if (button.closest('[data-rows]') === box) { button.disabled = rows.length >= most; }
    });
  }
  function focusIn(node) {
    var first = node.querySelector('input:not([type=hidden]), textarea, select') || node;
    first.focus();
  }
  function addRow(box) {
    var blank = Array.prototype.filter.call(box.children, function (child) {
      return child.hasAttribute('data-rows-new');
    })[0];
    if (!blank || !blank.content) { return false; }
    made += 1;
    var holder = document.createElement('div');
    holder.innerHTML = blank.innerHTML.replace(/deformField(\d+)/g, 'deformField$1n' + made);
    var row = holder.querySelector('[data-row]');
    box.querySelector('[data-rows-list]').appendChild(row);
    renumber(box);
    focusIn(row);
    return true;
  }
  function filled(row) {
    return all('textarea, input:not([type=hidden]):not([type=checkbox]):not([type=radio])', row)
      .some(function (input) { return input.value.trim() !== ''; });
  }
  function changeRow(button) {
    var row = button.closest('[data-row]');
    var box = row.closest('[data-rows]');
    var verb = button.getAttribute('data-row-do');
    var rows = rowsOf(box);
    var index = rows.indexOf(row);
    if (verb === 'remove') {
      if (filled(row) && !window.confirm(WORDS.remove)) { return; }
      row.parentNode.removeChild(row);
      var next = rows[index + 1] || rows[index - 1];
      if (next) { next.focus(); } else { box.focus(); }
    } else if (verb === 'up' && index > 0) {
      row.parentNode.insertBefore(row, rows[index - 1]);
    } else if (verb === 'down' && index < rows.length - 1) {
      row.parentNode.insertBefore(rows[index + 1], row);
    }
    renumber(box);
    if (verb !== 'remove') { if (button.disabled) { row.focus(); } else { button.focus(); } }
  }

  /* --- counters --------------------------------------------------------------------------- */

  function count(input) {
    var most = Number(input.getAttribute('data-most'));
    var shown = most && input.id && document.querySelector('[data-count-for="' + input.id + '"]');
    if (!shown) { return; }
    var left = most - Array.from(input.value).length;
    shown.textContent = left < 0 ? words('over', { n: -left }) : words('left', { n: left });
  }

  /* --- listeners, one of each kind ---------------------------------------------------------- */

  var sheets = [];

  document.addEventListener('click', function (event) {
    var target = event.target.closest ? event.target.closest('button, a') : null;
    if (!target) { return; }
    if (target.hasAttribute('data-rows-add')) {
      if (addRow(target.closest('[data-rows]'))) { event.preventDefault(); }
    } else if (target.hasAttribute('data-row-do')) {
      event.preventDefault();
      changeRow(target);
    } else if (target.closest('[data-errors]') && target.hash) {
      var field = document.getElementById(target.hash.slice(1));
      if (field) { event.preventDefault(); field.scrollIntoView(); field.focus(); }
    }
  });
  document.addEventListener('input', function (event) {
    if (event.target.hasAttribute && event.target.hasAttribute('data-most')) { count(event.target); }
  });
  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (form.hasAttribute('data-sent')) { event.preventDefault(); return; } // a double click
    form.setAttribute('data-sent', '');
    window.setTimeout(function () { form.removeAttribute('data-sent'); }, 8000);
    sheets.forEach(function (sheet) {
      if (sheet.form === form) { sheet.keep(); sheet.left = true; }
    });
  });
  window.addEventListener('beforeunload', function (event) {
    var open = sheets.some(function (sheet) { return !sheet.left && sheet.dirty(); });
    if (open) { event.preventDefault(); event.returnValue = ''; }
  });
  window.addEventListener('pageshow', function () {
    all('form[data-sent]').forEach(function (form) { form.removeAttribute('data-sent'); });
    sheets.forEach(function (sheet) { sheet.left = false; });
  });

  all('[data-draft-done]').forEach(function (node) { forget(node.getAttribute('data-draft-done')); });
  all('[data-most]').forEach(count);
  all('[data-rows]').forEach(renumber);
  all('form[data-form]').forEach(function (form) {
    var sheet = new Sheet(form);
    sheets.push(sheet);
    sheet.offer();
  });
  window.setInterval(function () {
    sheets.forEach(function (sheet) { sheet.keep(); sheet.save(); });
  }, SAVE_EVERY);

  var summary = document.querySelector('[data-errors]');
  if (summary) { summary.focus(); }
}());
