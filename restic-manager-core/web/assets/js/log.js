// The log viewer: all lines in memory, only the visible ones in the document.
import { visible } from "./text.js";

const LINE = 20;
const MARGIN = 12;
const LONGEST = 65536;

export class LogView {
  constructor(root) {
    this.root = root;
    this.view = root.querySelector("[data-log-view]");
    this.list = root.querySelector("[data-log-lines]");
    this.lines = [...this.list.children].map(readLine);
    this.tops = null;
    this.following = root.dataset.live === "yes";
    this.unread = 0;
    this.query = "";
    this.hits = [];
    this.hit = -1;
    this.marked = null;
    this.window = [-1, -1];
    this.takeOver();
    this.listen();
    this.goToHash();
  }

  get last() {
    return this.lines.length ? this.lines[this.lines.length - 1].number : 0;
  }

  append(lines) {
    const from = this.lines.length;
    const before = this.last;
    for (const line of lines) {
      if (line.sequence <= before) continue;
      const text = visible(line.text.length > LONGEST ? `${line.text.slice(0, LONGEST)} …` : line.text);
      const kind = line.stream === "stderr" ? "err" : line.stream === "agent" ? "sys" : "out";
      this.lines.push({ number: line.sequence, kind, time: line.at.slice(11, 19), text });
    }
    const added = this.lines.length - from;
    if (!added) return;
    this.measure(from);
    this.search(from);
    this.root.querySelector("[data-log-count]").textContent = this.lines.length.toLocaleString("en").replaceAll(",", "\u202f");
    if (this.following) this.toEnd();
    else this.announce(this.root.dataset.live === "yes" ? added : 0);
    this.draw();
    if (from === 0) this.goToHash();
  }

  ended() {
    this.root.dataset.live = "no";
    this.announce(0);
  }

  // The server's list becomes a window inside a padded box.
  takeOver() {
    this.pad = document.createElement("div");
    this.pad.className = "log-pad";
    this.list.replaceWith(this.pad);
    this.pad.append(this.list);
    this.ruler = document.createElement("canvas").getContext("2d");
    this.ruler.font = getComputedStyle(this.view).font;
    this.measure(0);
    this.draw(true);
    if (this.following) this.toEnd();
  }

  listen() {
    const on = (name, action) => this.root.querySelector(`[data-log-${name}]`)?.addEventListener("click", action);
    this.view.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => { this.measure(0); this.draw(true); }).observe(this.view);
    on("follow", () => this.follow(!this.following));
    on("new", () => this.follow(true));
    on("wrap", (event) => { this.toggle(event.currentTarget, "wrap"); this.measure(0); this.draw(true); });
    on("times", (event) => { this.toggle(event.currentTarget, "show-times"); this.measure(0); this.draw(true); });
    on("error", () => this.firstError());
    on("next", () => this.step(1));
    on("previous", () => this.step(-1));
    const field = this.root.querySelector("[data-log-search]");
    field?.addEventListener("input", () => { this.query = field.value.toLowerCase(); this.hits = []; this.hit = -1; this.search(0); this.step(1); this.draw(true); });
    field?.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); this.step(event.shiftKey ? -1 : 1); } });
    addEventListener("hashchange", () => this.goToHash());
  }

  toggle(button, name) {
    const on = this.root.classList.toggle(name);
    button.setAttribute("aria-pressed", String(on));
  }

  follow(on) {
    this.following = on;
    this.root.querySelector("[data-log-follow]").setAttribute("aria-pressed", String(on));
    if (on) { this.announce(0); this.toEnd(); }
  }

  toEnd() {
    this.unread = 0;
    this.view.scrollTop = this.view.scrollHeight;
    this.draw();
  }

  scrolled() {
    const distance = this.view.scrollHeight - this.view.clientHeight - this.view.scrollTop;
    if (this.following && distance > 3 * LINE && this.view.scrollTop < this.lastTop) this.follow(false);
    if (distance < 2) this.announce(0);
    this.lastTop = this.view.scrollTop;
    this.draw();
  }

  announce(added) {
    this.unread = added ? this.unread + added : 0;
    const button = this.root.querySelector("[data-log-new]");
    button.hidden = this.unread === 0;
    button.textContent = this.unread === 1 ? "1 new line" : `${this.unread} new lines`;
  }

  // Where each line starts, in rows; only wrapped lines are taller than one.
  measure(from) {
    const wrapped = this.root.classList.contains("wrap");
    if (!wrapped) this.tops = null;
    else {
      if (from === 0 || !this.tops) { this.tops = [0]; from = 0; }
      const numbers = this.ruler.measureText("0").width * (Math.max(5.5, String(this.last).length + 2.2) + (this.root.classList.contains("show-times") ? 9.4 : 0));
      const room = Math.max(80, this.view.clientWidth - numbers - 18);
      for (let index = from; index < this.lines.length; index += 1) {
        const rows = Math.max(1, Math.ceil(this.ruler.measureText(this.lines[index].text).width / room));
        this.tops.push(this.tops[index] + rows);
      }
    }
    this.pad.style.height = `${this.top(this.lines.length) + LINE}px`;
  }

  top(index) {
    return (this.tops ? this.tops[index] : index) * LINE + 8;
  }

  at(pixels) {
    const row = Math.max(0, (pixels - 8) / LINE);
    if (!this.tops) return Math.min(this.lines.length, Math.floor(row));
    let low = 0;
    let high = this.lines.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  draw(again = false) {
    const first = Math.max(0, this.at(this.view.scrollTop) - MARGIN);
    const end = Math.min(this.lines.length, this.at(this.view.scrollTop + this.view.clientHeight) + MARGIN);
    if (!again && first === this.window[0] && end === this.window[1]) return;
    this.window = [first, end];
    this.list.style.transform = `translateY(${this.top(first)}px)`;
    this.list.replaceChildren(...this.lines.slice(first, end).map((line) => this.element(line)));
  }

  element(line) {
    const item = document.createElement("li");
    item.className = `log-line ${line.kind}${line.number === this.marked ? " marked" : ""}`;
    item.id = `L${line.number}`;
    const number = document.createElement("a");
    number.className = "n";
    number.href = `#L${line.number}`;
    number.textContent = line.number;
    number.tabIndex = -1;
    number.setAttribute("aria-label", `Line ${line.number}`);
    const time = document.createElement("span");
    time.className = "t";
    time.textContent = line.time;
    const text = document.createElement("span");
    text.className = "x";
    this.fill(text, line.text);
    item.append(number, time, text);
    return item;
  }

  fill(element, text) {
    if (!this.query) { element.textContent = text; return; }
    const lower = text.toLowerCase();
    let from = 0;
    for (let at = lower.indexOf(this.query); at >= 0; at = lower.indexOf(this.query, from)) {
      const mark = document.createElement("mark");
      mark.textContent = text.slice(at, at + this.query.length);
      element.append(text.slice(from, at), mark);
      from = at + this.query.length;
    }
    element.append(text.slice(from));
  }

  search(from) {
    if (this.query) {
      for (let index = from; index < this.lines.length; index += 1) {
        if (this.lines[index].text.toLowerCase().includes(this.query)) this.hits.push(index);
      }
    }
    this.tellHits();
  }

  tellHits() {
    const place = this.root.querySelector("[data-log-hits]");
    if (!place) return;
    place.textContent = !this.query ? "" : this.hits.length ? `${Math.max(0, this.hit) + 1} of ${this.hits.length}` : "none";
  }

  step(direction) {
    if (!this.hits.length) return;
    this.hit = (this.hit + direction + this.hits.length) % this.hits.length;
    this.tellHits();
    this.show(this.hits[this.hit]);
  }

  firstError() {
    let index = this.lines.findIndex((line) => line.kind === "err");
    if (index < 0) index = this.lines.findIndex((line) => /^(error|fatal)\b/i.test(line.text));
    if (index >= 0) this.show(index);
  }

  goToHash() {
    const number = Number(/^#L(\d+)$/.exec(location.hash)?.[1]);
    const index = number ? this.lines.findIndex((line) => line.number === number) : -1;
    if (index >= 0) this.show(index);
  }

  show(index) {
    this.follow(false);
    this.marked = this.lines[index].number;
    this.view.scrollTop = Math.max(0, this.top(index) - this.view.clientHeight / 3);
    this.draw(true);
  }
}

function readLine(item) {
  return {
    number: Number(item.id.slice(1)),
    kind: item.classList.contains("err") ? "err" : item.classList.contains("sys") ? "sys" : "out",
    time: item.querySelector(".t").textContent,
    text: item.querySelector(".x").textContent,
  };
}
