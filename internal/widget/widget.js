// <huiyin-inbox>: what is due for one customer, drawn in any page. See docs/inapp.md.
(() => {
  "use strict";
  const src = document.currentScript ? document.currentScript.src : "";
  const home = src.replace(/\/inapp\/widget\.js.*$/, "");
  const homeOrigin = home && new URL(home).origin;

  const words = {
    "zh-CN": {
      name: "消息", next: "下一题", send: "提交", back: "上一题", dismiss: "不再显示", yes: "是", no: "否", need: "必答", may: "选填",
      why: "是什么原因?可多选,也可以不选", thanks: "您的回答已经收到,谢谢!", close: "关闭", other: "请说明",
      choose: "请先回答这一题。", wrong: "没有保存成功,请再试一次。", done: "这份问卷已经结束了。", busy: "现在有点忙,请稍后再试。",
      hint: "请不要填写密码、验证码、证件号或银行卡号。", tell: "意见反馈", say: "您想告诉我们什么?", said: "已经收到,谢谢您!",
    },
    en: {
      name: "Messages", next: "Next", send: "Send", back: "Previous", dismiss: "Dismiss", yes: "Yes", no: "No", need: "required", may: "optional",
      why: "What was the reason? Tap any that apply, or none", thanks: "We have your answers. Thank you!", close: "Close", other: "Please say more",
      choose: "Please answer this question first.", wrong: "That was not saved; please try again.", done: "This questionnaire is closed.", busy: "We are busy just now; please try again shortly.",
      hint: "Please leave out passwords, codes, ID and card numbers.", tell: "Give feedback", say: "What would you like to tell us?", said: "We have it. Thank you!",
    },
  };

  const css = `:host{display:block;font:16px/1.5 system-ui,-apple-system,"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#1c1f23;--c:var(--huiyin-colour,#0b5cad);--on:var(--huiyin-on-colour,#fff)}
:host([hidden]){display:none}*{box-sizing:border-box}
article,.tell{max-width:40rem;border:1px solid #c9ced6;border-radius:12px;background:#fff;padding:16px;margin:0 0 12px;overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 4px}.why{color:#59616c;font-size:14px;margin:0}p{margin:8px 0;white-space:pre-line}
fieldset{border:0;margin:12px 0 0;padding:0;min-width:0}legend{font-weight:600;padding:0;margin:0 0 8px}small{font-weight:400;color:#59616c}
.row{display:flex;flex-wrap:wrap;gap:6px}.col{display:grid;gap:6px}.n{display:grid;grid-template-columns:repeat(auto-fit,minmax(44px,1fr))}[tabindex="-1"]:focus{outline:0}
.pick{position:relative;display:flex;align-items:center;min-height:44px;min-width:40px;padding:6px 12px;border:1px solid #8b94a1;border-radius:8px;cursor:pointer;flex:1 0 auto}
.row .pick{justify-content:center;padding:6px 4px}.pick input{position:absolute;inset:0;opacity:0;margin:0;cursor:pointer}
.pick:has(:checked){border-color:var(--c);background:var(--c);color:var(--on)}.pick:has(:focus-visible){outline:3px solid #1c1f23;outline-offset:2px}
.ends{display:flex;justify-content:space-between;color:#59616c;font-size:14px;margin-top:4px}.tags{margin-top:12px}
textarea,input[type=text]{width:100%;font:inherit;padding:8px;border:1px solid #8b94a1;border-radius:8px;color:inherit;background:#fff}textarea{min-height:88px}
.do{display:flex;flex-wrap:wrap;gap:8px;margin-top:12px}button{font:inherit;min-height:44px;padding:6px 16px;border-radius:8px;border:1px solid #8b94a1;background:#fff;color:inherit;cursor:pointer}
button.main{background:var(--c);border-color:var(--c);color:var(--on)}button:focus-visible,textarea:focus-visible,input[type=text]:focus-visible{outline:3px solid #1c1f23;outline-offset:2px}
button[disabled]{opacity:.6}.bad{color:#b00020;margin:8px 0 0}iframe{border:0;width:100%;display:block}`;

  // el makes an element; texts are never read as markup.
  const el = (tag, attrs, ...inner) => {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attrs || {})) {
      if (k === "on") for (const [name, fn] of Object.entries(v)) e.addEventListener(name, fn);
      else if (v === true) e.setAttribute(k, "");
      else if (v !== false && v != null) e.setAttribute(k, v);
    }
    e.append(...inner.filter((x) => x != null && x !== ""));
    return e;
  };
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  let serial = 0;

  class Inbox extends HTMLElement {
    constructor() {
      super();
      this.root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      this.root.adoptedStyleSheets = [sheet];
      this.drawn = new Map();
      this.etag = "";
      const early = Object.getOwnPropertyDescriptor(this, "tokenSource"); // set before this script came
      delete this.tokenSource;
      if (early) this.source = early.value;
    }

    static observedAttributes = ["token"];

    attributeChangedCallback() {
      this.begin();
    }

    // tokenSource is a function of the page's that gives a token, now and whenever a new one is needed.
    set tokenSource(fn) {
      this.source = fn;
      this.begin();
    }

    connectedCallback() {
      this.run = {};
      if (this.hasAttribute("parents")) this.framed();
      else this.begin();
    }

    // begin starts once there is a token to be had.
    begin() {
      if (!this.run || this.run.began || !(this.source || this.getAttribute("token"))) return;
      this.run.began = true;
      if (this.getAttribute("mode") === "frame") this.frame();
      else this.start();
    }

    disconnectedCallback() {
      if (this.run && this.run.stop) this.run.stop();
      this.run = null;
    }

    get lang_() {
      const l = this.getAttribute("lang") || document.documentElement.lang || navigator.language;
      return /^en/i.test(l) ? "en" : "zh-CN";
    }

    async token(fresh) {
      if (this.source) {
        if (fresh || !this.kept) this.kept = await this.source();
        return this.kept;
      }
      return this.getAttribute("token");
    }

    async ask(method, path, body, headers) {
      for (const fresh of [false, true]) {
        const got = await fetch(home + "/v1/inapp/" + path, {
          method, headers: { Authorization: "Bearer " + (await this.token(fresh)), ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
          body: body && JSON.stringify(body), cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer",
        });
        if (got.status !== 401 || fresh) return got;
      }
    }

    tell(what, card) {
      const detail = { what, card };
      this.dispatchEvent(new CustomEvent("huiyin", { detail }));
      if (this.toParent) this.toParent({ huiyin: "event", ...detail });
    }

    start() {
      const w = (this.w = words[this.lang_]);
      this.list = el("div", { role: "region", "aria-label": w.name, lang: this.lang_ });
      this.root.replaceChildren(this.list, this.hasAttribute("feedback") ? this.tellUs() : "");
      this.poll(this.run);
    }

    async poll(run) {
      for (let pause = 5000; run === this.run; ) {
        try {
          const got = await this.ask("GET", `cards?wait=25&lang=${this.lang_}`, null, this.etag ? { "If-None-Match": this.etag } : {});
          if (run !== this.run) return;
          if (got.status === 200) {
            this.etag = got.headers.get("ETag") || "";
            this.draw((await got.json()).cards);
          } else if (got.status !== 304) throw new Error(String(got.status));
          pause = 5000;
          if (!this.etag) await sleep(pause);
          await sleep(500);
        } catch (e) {
          if (run !== this.run) return;
          this.tell("error", null);
          await sleep(pause);
          pause = Math.min(2 * pause, 60000);
        }
      }
    }

    draw(cards) {
      const due = new Set(cards.map((c) => c.id));
      for (const [id, d] of this.drawn) {
        if (due.has(id) || d.busy) continue; // who is in the midst of answering isn't interrupted
        d.article.remove();
        this.drawn.delete(id);
      }
      for (const c of [...cards].reverse()) {
        if (!this.drawn.has(c.id)) this.list.prepend(this.card(c));
      }
      this.tell(this.drawn.size ? "cards" : "empty", null);
    }

    card(c) {
      const id = "h" + ++serial, w = this.w;
      const d = { c, busy: false, body: el("div"), status: el("div", { role: "status" }) };
      d.article = el("article", { "aria-labelledby": id, lang: c.language },
        el("h2", { id, tabindex: -1 }, c.title || c.program || w.name), c.program && c.title ? el("p", { class: "why" }, c.program) : null,
        el("p", {}, c.text), d.body, d.status);
      this.drawn.set(c.id, d);
      if (c.form) this.question(d, c.form, c.form.next);
      else d.body.append(el("div", { class: "do" }, this.dismissButton(d)));
      if (!c.shown) this.watch(d);
      return d.article;
    }

    dismissButton(d) {
      return el("button", { type: "button", on: { click: () => this.dismiss(d) } }, this.w.dismiss);
    }

    // watch says that a card was shown once half of it really is.
    watch(d) {
      const seen = new IntersectionObserver((entries) => {
        if (document.hidden || !entries.some((e) => e.isIntersecting)) return;
        seen.disconnect();
        this.ask("POST", `cards/${d.c.id}/shown`).then(() => this.tell("shown", d.c.id), () => {});
      }, { threshold: 0.5 });
      seen.observe(d.article);
    }

    async dismiss(d) {
      d.busy = false;
      const got = await this.ask("POST", `cards/${d.c.id}/dismissed`).catch(() => null);
      if (!got || !got.ok) return this.wrong(d, this.w.busy);
      this.gone(d);
      this.tell("dismissed", d.c.id);
    }

    gone(d) {
      const near = d.article.nextElementSibling || d.article.previousElementSibling;
      d.article.remove();
      this.drawn.delete(d.c.id);
      if (near) near.querySelector("h2").focus();
    }

    wrong(d, text) {
      d.body.querySelector(".bad")?.remove();
      d.body.append(el("p", { class: "bad", role: "alert" }, text));
    }

    // question draws one question; which comes next is for the server to say.
    question(d, form, at) {
      const w = this.w, visible = form.questions.filter((q) => q.visible);
      const i = Math.max(0, at ? visible.findIndex((q) => q.id === at) : visible.length - 1), q = visible[i];
      const part = this.input(q, d);
      const last = !form.questions.slice(form.questions.indexOf(q) + 1).length;
      const step = async (e) => {
        e.preventDefault();
        const reply = part.read();
        if (q.required && (reply.value == null || reply.value === "" || reply.value.length === 0)) return this.wrong(d, w.choose);
        main.disabled = true;
        await this.save(d, q, reply);
        main.disabled = false;
      };
      const main = el("button", { class: "main" }, last ? w.send : w.next);
      const back = i > 0 ? el("button", { type: "button", on: { click: () => this.question(d, form, visible[i - 1].id) } }, w.back) : null;
      const moved = d.body.childNodes.length > 0;
      d.body.replaceChildren(el("form", { lang: form.language, novalidate: true, on: { submit: step, input: () => (d.busy = true) } }, part.node, el("div", { class: "do" }, main, back, this.dismissButton(d))));
      if (moved) part.node.querySelector("input,textarea").focus();
    }

    async save(d, q, reply) {
      const w = this.w, path = `cards/${d.c.id}/answers`, lang = "?lang=" + this.lang_;
      try {
        let got = await this.ask("PUT", path + "/" + encodeURIComponent(q.id) + lang, reply);
        if (got.ok) {
          const { form } = await got.json(), visible = form.questions.filter((x) => x.visible);
          const after = visible[visible.findIndex((x) => x.id === q.id) + 1];
          if (after) return this.question(d, form, after.id);
          got = await this.ask("POST", path + lang, {});
          if (got.ok) return this.thank(d, (await got.json()).thanks);
        }
        const code = (await got.json()).code;
        if (code === "link-used" || code === "link-expired" || code === "card-unknown") return this.thank(d, w.done);
        this.wrong(d, got.status >= 429 ? w.busy : w.wrong);
      } catch (e) {
        this.wrong(d, w.wrong);
      }
    }

    thank(d, text) {
      d.busy = true; // it stays until it is closed
      d.body.replaceChildren();
      d.status.append(el("p", { tabindex: -1 }, text || this.w.thanks), el("div", { class: "do" }, el("button", { type: "button", on: { click: () => this.gone(d) } }, this.w.close)));
      d.status.querySelector("p").focus();
      this.tell("answered", d.c.id);
    }

    // input draws what a question is answered with; read gives the answer.
    input(q, d) {
      const w = this.w, name = "q" + ++serial, said = q.said || {};
      const legend = el("legend", {}, q.ask, " ", el("small", {}, q.required ? w.need : w.may));
      if (q.type === "text") {
        const area = el("textarea", { id: name, maxlength: q.max_chars, "aria-describedby": name + "h" });
        area.value = said.value || "";
        return { node: el("fieldset", {}, el("legend", {}, el("label", { for: name }, ...legend.childNodes)), area, el("small", { id: name + "h" }, w.hint)), read: () => ({ value: area.value.trim() || null }) };
      }
      const scale = q.points, many = q.type === "multiple";
      const choices = scale ? scale.map((p) => ({ value: p.value, mark: String(p.value), text: p.label, tags: p.tags }))
        : q.type === "yes-no" ? [{ value: true, text: w.yes }, { value: false, text: w.no }] : q.options;
      const each = !scale || scale.every((p) => p.label);
      const on = (v) => (many ? (said.value || []).includes(v) : said.value === v);
      const tags = el("div", { class: "tags" });
      const boxes = choices.map((c) => {
        const box = el("input", { type: many ? "checkbox" : "radio", name, value: String(c.value), checked: on(c.value), "aria-label": scale && c.text ? `${c.mark}, ${c.text}` : null, on: { change: () => changed(c, box) } });
        return box;
      });
      const other = choices.map((c) => (c.other ? el("input", { type: "text", maxlength: c.max_chars, "aria-label": w.other, placeholder: w.other }) : null));
      const reasons = (keys, picked) => {
        tags.replaceChildren(...(keys ? [el("fieldset", {}, el("legend", {}, el("small", {}, w.why)), el("div", { class: "row" }, ...keys.map((t) => el("label", { class: "pick" }, el("input", { type: "checkbox", value: t.key, checked: picked.includes(t.key) }), t.text))))] : []));
      };
      const changed = (c, box) => {
        if (many && box.checked) choices.forEach((x, i) => { if (x !== c && (c.none || x.none)) boxes[i].checked = false; });
        if (scale) reasons(c.tags, []);
        show();
      };
      const show = () => other.forEach((o, i) => { if (o) o.hidden = !boxes[i].checked; });
      other.forEach((o) => { if (o) o.value = said.other || ""; });
      show();
      if (scale) reasons((scale.find((p) => p.value === said.value) || {}).tags, said.tags || []);
      const picks = choices.map((c, i) => [el("label", { class: "pick" }, boxes[i], each ? (scale ? `${c.mark} ${c.text}` : c.text) : c.mark), other[i]]).flat();
      const ends = !each && (scale[0].label || scale.at(-1).label) ? el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, scale[0].label || ""), el("span", {}, scale.at(-1).label || "")) : null;
      return {
        node: el("fieldset", {}, legend, el("div", { class: each ? "col" : "row n" }, ...picks), ends, tags),
        read: () => {
          const chosen = choices.filter((c, i) => boxes[i].checked).map((c) => c.value);
          const with_ = other.find((o, i) => o && boxes[i].checked && o.value.trim());
          return { value: many ? (chosen.length ? chosen : null) : chosen.length ? chosen[0] : null, tags: [...tags.querySelectorAll(":checked")].map((t) => t.value), ...(with_ ? { other: with_.value.trim() } : {}) };
        },
      };
    }

    // tellUs is feedback at any time, though nothing is due.
    tellUs() {
      const w = this.w, id = "f" + ++serial, box = el("div", { class: "tell", lang: this.lang_ });
      const closed = () => box.replaceChildren(el("button", { type: "button", on: { click: open } }, w.tell));
      const open = () => {
        const key = crypto.randomUUID(); // one for however often it is tried
        const area = el("textarea", { id, maxlength: 2000, "aria-describedby": id + "h" });
        const send = async (e) => {
          e.preventDefault();
          if (!area.value.trim()) return area.focus();
          const got = await this.ask("POST", "feedback", { id: key, text: area.value, language: this.lang_ }).catch(() => null);
          box.querySelector("[role]")?.remove();
          if (!got || !got.ok) return box.append(el("p", { class: "bad", role: "alert" }, w.wrong));
          closed();
          box.append(el("p", { role: "status" }, w.said));
          this.tell("feedback", null);
        };
        box.replaceChildren(el("form", { on: { submit: send } }, el("label", { for: id }, w.say), area, el("small", { id: id + "h" }, w.hint), el("div", { class: "do" }, el("button", { class: "main" }, w.send), el("button", { type: "button", on: { click: closed } }, w.close))));
        area.focus();
      };
      closed();
      return box;
    }

    // frame puts the inbox into a frame of its own origin, for pages that let no foreign script near their data.
    frame() {
      const inner = el("iframe", { title: words[this.lang_].name, src: home + "/inapp/frame", allow: "", referrerpolicy: "no-referrer" });
      const say = (m) => inner.contentWindow && inner.contentWindow.postMessage(m, homeOrigin);
      const hello = async (fresh) => say({ huiyin: "token", token: await this.token(fresh), lang: this.lang_, feedback: this.hasAttribute("feedback") });
      const heard = (e) => {
        if (e.origin !== homeOrigin || e.source !== inner.contentWindow || !e.data) return;
        if (e.data.huiyin === "height" && e.data.height >= 0 && e.data.height < 20000) inner.style.height = e.data.height + "px";
        if (e.data.huiyin === "token?") hello(true);
        if (e.data.huiyin === "event") this.tell(e.data.what, e.data.card);
      };
      inner.addEventListener("load", () => hello(false));
      addEventListener("message", heard);
      this.run.stop = () => removeEventListener("message", heard);
      this.root.replaceChildren(inner);
    }

    // framed is the other end: only a page of an origin the house named is listened to.
    framed() {
      const parents = this.getAttribute("parents").split(" ");
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("body{margin:0}");
      document.adoptedStyleSheets = [sheet];
      let give = null, token = "";
      const heard = (e) => {
        if (e.source !== parent || parent === window || !parents.includes(e.origin) || !e.data || e.data.huiyin !== "token") return;
        token = String(e.data.token);
        if (give) give(token);
        give = null;
        if (this.toParent) return;
        this.toParent = (m) => parent.postMessage(m, e.origin);
        this.setAttribute("lang", e.data.lang === "en" ? "en" : "zh-CN");
        document.documentElement.lang = this.lang_;
        if (e.data.feedback) this.setAttribute("feedback", "");
        new ResizeObserver(() => this.toParent({ huiyin: "height", height: Math.ceil(this.getBoundingClientRect().height) })).observe(this);
        this.tokenSource = () => {
          if (token) {
            const once = token;
            token = "";
            return once;
          }
          this.toParent({ huiyin: "token?" });
          return new Promise((done) => (give = done));
        };
      };
      addEventListener("message", heard);
      this.run.stop = () => removeEventListener("message", heard);
    }
  }

  customElements.define("huiyin-inbox", Inbox);
})();
