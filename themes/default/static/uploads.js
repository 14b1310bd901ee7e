/* Sends large files in pieces, tells how far they are, and goes on where a broken connection or a
   closed page left off. Without this file the form sends the whole file at once, up to its limit.
   Nothing newer than ES2017: chat programs bring old browsers. */
(function () {
  'use strict';

  var SMALL = 4 * 1024 * 1024;      // goes with the form itself
  var WAITS = [1000, 3000, 8000, 20000, 40000];
  var english = (document.documentElement.lang || '').indexOf('en') === 0;
  var WORDS = english ? {
    sending: 'Sending {name}: {n}%', waiting: 'The connection broke. Trying again…',
    failed: 'It could not be sent. What has arrived is kept for a day: choose the same file again to go on.',
    looking: 'Sent. Looking at the file…'
  } : {
    sending: '正在上传{name}：{n}%', waiting: '连接断了，正在重试…',
    failed: '没有传完。已经传到的部分保留一天，再选同一个文件就接着传。',
    looking: '已经传完，正在查看文件…'
  };
  function words(name, values) {
    return WORDS[name].replace(/\{(\w+)\}/g, function (whole, key) { return values[key]; });
  }
  function pause(time) { return new Promise(function (done) { window.setTimeout(done, time); }); }

  /* --- where an upload of this file stands, for another visit ------------------------------ */

  function key(url, file) { return 'jiceng-upload:' + url + ':' + file.name + ':' + file.size + ':' + file.lastModified; }
  function recall(url, file) { try { return window.localStorage.getItem(key(url, file)); } catch (error) { return null; } }
  function remember(url, file, place) {
    try { window.localStorage.setItem(key(url, file), place); } catch (error) { /* then it begins anew */ }
  }
  function forget(url, file) { try { window.localStorage.removeItem(key(url, file)); } catch (error) { /* as above */ } }

  /* --- one file ---------------------------------------------------------------------------- */

  function Sending(url, token, file, tell) {
    this.url = url; this.token = token; this.file = file; this.tell = tell;
    this.place = ''; this.offset = 0; this.piece = SMALL;
  }
  Sending.prototype.ask = function (method, url, headers, body) {
    headers['X-CSRF-Token'] = this.token;
    return window.fetch(url, { method: method, headers: headers, body: body, credentials: 'same-origin', redirect: 'error' });
  };
  Sending.prototype.heard = function (answer) {
    this.offset = Number(answer.headers.get('Upload-Offset') || 0);
    this.piece = Number(answer.headers.get('Upload-Piece') || this.piece);
  };
  /* Goes on with what this computer remembers, else begins. */
  Sending.prototype.begin = async function () {
    var known = recall(this.url, this.file);
    if (known) {
      var answer = await this.ask('HEAD', known, {});
      if (answer.ok) { this.place = known; this.heard(answer); return; }
      forget(this.url, this.file);
    }
    var form = new URLSearchParams();
    form.set('name', this.file.name);
    form.set('size', String(this.file.size));
    var made = await this.ask('POST', this.url, { 'Content-Type': 'application/x-www-form-urlencoded' }, form.toString());
    if (!made.ok) { throw { final: true, text: await made.text(), plain: (made.headers.get('Content-Type') || '').indexOf('text/plain') === 0 }; }
    this.place = made.headers.get('Location');
    this.heard(made);
    remember(this.url, this.file, this.place);
  };
  Sending.prototype.next = async function () {
    var end = Math.min(this.offset + this.piece, this.file.size);
    var answer = await this.ask('PATCH', this.place,
      { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(this.offset) },
      this.file.slice(this.offset, end));
    if (answer.status === 204 || answer.status === 409) { this.heard(answer); return; }
    if (answer.status >= 500) { throw { final: false }; }
    forget(this.url, this.file);
    throw { final: true, text: await answer.text(), plain: (answer.headers.get('Content-Type') || '').indexOf('text/plain') === 0 };
  };
  Sending.prototype.all = async function () {
    var tries = 0;
    for (;;) {
      try {
        if (!this.place) { await this.begin(); }
        while (this.offset < this.file.size) {
          this.tell(words('sending', { name: this.file.name, n: Math.floor(100 * this.offset / this.file.size) }));
          await this.next();
          tries = 0;
        }
        return this.place.split('/').pop();
      } catch (error) {
        if (error.final || tries >= WAITS.length) { throw error; }
        this.tell(words('waiting'));
        await pause(WAITS[tries++]);
        if (this.place) {
          try {
            var stand = await this.ask('HEAD', this.place, {});
            if (stand.ok) { this.heard(stand); } else { this.place = ''; }
          } catch (again) { /* still no connection */ }
        }
      }
    }
  };

  /* --- the form ---------------------------------------------------------------------------- */

  async function send(form, input, tell) {
    var token = form.querySelector('input[name=csrf_token]').value;
    var url = form.getAttribute('action').replace(/attach$/, 'uploads');
    var files = Array.from(input.files);
    var places = [];
    for (var i = 0; i < files.length; i++) {
      places.push(await new Sending(url, token, files[i], tell).all());
    }
    places.forEach(function (place) {
      var field = document.createElement('input');
      field.type = 'hidden'; field.name = 'uploaded'; field.value = place;
      form.appendChild(field);
    });
    tell(words('looking'));
    input.disabled = true;   // its files are there already
    form.submit();
  }

  Array.prototype.forEach.call(document.querySelectorAll('form[data-uploads]'), function (form) {
    var input = form.querySelector('input[type=file]');
    var status = form.querySelector('[data-upload-status]');
    var button = form.querySelector('button[type=submit]');
    function tell(text) { if (status && status.textContent !== text) { status.textContent = text; } }
    form.addEventListener('submit', function (event) {
      var total = Array.from(input.files || []).reduce(function (sum, file) { return sum + file.size; }, 0);
      if (total <= SMALL || !window.fetch || !window.URLSearchParams) { return; }
      event.preventDefault();
      button.disabled = true;
      send(form, input, tell).catch(function (error) {
        button.disabled = false;
        tell(error && error.final && error.plain && error.text ? error.text : words('failed'));
      });
    });
  });
}());
