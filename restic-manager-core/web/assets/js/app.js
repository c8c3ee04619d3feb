// What the pages do beyond links and forms. Everything here is an addition: without it they still work.
import { LogView } from "./log.js";
import { passkeyButtons } from "./passkey.js";
import { stream } from "./stream.js";
import { duration, size } from "./text.js";
import { keepTimes } from "./time.js";

keepTimes();
copyButtons();
passkeyButtons();
searchKey();
tokenFromAddress();
keepFocus();
const changed = refresher();
if (document.body.dataset.live) stream(() => document.body.dataset.live, { message: changed, again: changed });
const log = document.querySelector("[data-log]");
if (log) followJob(new LogView(log), log.dataset.stream);

function copyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await copy(button.dataset.copy);
    const said = document.createElement("span");
    said.className = "copied";
    said.setAttribute("role", "status");
    said.textContent = "Copied";
    if (button.querySelector(".copied")) return;
    button.append(said);
    setTimeout(() => said.remove(), 1600);
  });
}

// The clipboard of the browser exists only on HTTPS; on plain HTTP the old way still works.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "sr";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

// A setup link carries its token behind the "#", which no server sees. It goes into the form, and out of the address.
function tokenFromAddress() {
  const form = document.querySelector("[data-token-form]");
  if (!form || !location.hash.startsWith("#rmu_")) return;
  form.elements.token.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  form.requestSubmit();
}

function searchKey() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const field = document.querySelector("[data-search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
}

// Asks the page's live part to refresh: at most once a second, and not while hidden. What is open or being typed is not
// taken from under the reader's hands; a word says that the page waits for it.
function refresher() {
  let timer = 0;
  let last = 0;
  const held = () => {
    const live = document.getElementById("live");
    const typing = live?.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
    return Boolean(typing || live?.querySelector("details[open]"));
  };
  const fire = () => {
    timer = 0;
    const waits = held();
    sayPaused(waits);
    if (document.hidden || waits) { schedule(2000); return; }
    last = Date.now();
    document.body.dispatchEvent(new CustomEvent("fleet-changed"));
  };
  const schedule = (wait) => { if (!timer) timer = setTimeout(fire, wait); };
  return () => schedule(Math.max(100, last + 1000 - Date.now()));
}

function sayPaused(waits) {
  const place = document.getElementById("paused");
  if (!place || place.hidden === !waits) return;
  place.hidden = !waits;
  place.textContent = waits ? "There is news. It is shown when what is open here is closed." : "";
}

// A refresh replaces the element that has the focus; the one that stands for the same thing gets it.
function keepFocus() {
  let lost;
  document.body.addEventListener("htmx:beforeSwap", () => { lost = placeOf(document.activeElement); });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (lost && document.activeElement === document.body) find(lost)?.focus({ preventScroll: true });
    lost = undefined;
  });
}

const FOCUSABLE = "a[href], button, summary, [tabindex]";

function placeOf(element) {
  const part = element?.closest("#live, #wait");
  if (!part || !element.matches(FOCUSABLE)) return undefined;
  const name = nameOf(element);
  return { part: part.id, name, index: alike(part, name).indexOf(element) };
}

function find({ part, name, index }) {
  const found = alike(document.getElementById(part), name);
  return found[Math.min(index, found.length - 1)];
}

const alike = (part, name) => [...(part?.querySelectorAll(FOCUSABLE) ?? [])].filter((element) => nameOf(element) === name);
const nameOf = (element) =>
  [element.tagName, element.id, element.getAttribute("href"), element.form?.getAttribute("action"), element.name].join(" ");

function followJob(view, address) {
  if (!address) return;
  let state;
  stream(() => `${address}?after=${view.last}`, {
    message(update, stop) {
      if (update.type === "lines") view.append(update.lines);
      else if (update.type === "progress") tellProgress(update.progress);
      else if (update.type === "job") {
        if (state && state !== update.job.state) changed();
        state = update.job.state;
        if (update.job.progress) tellProgress(update.job.progress);
      } else if (update.type === "end") {
        stop();
        if (document.querySelector("[data-log]").dataset.live === "yes") changed();
        view.ended();
      }
    },
  });
}

function tellProgress(progress) {
  const place = document.querySelector("[data-job] [data-progress]");
  if (!place) return;
  const bar = place.querySelector("progress");
  const say = (name, text) => { place.querySelector(`[data-progress-${name}]`).textContent = text; };
  if (progress.fraction_done == null) bar.removeAttribute("value");
  else bar.value = progress.fraction_done;
  const total = progress.bytes_total ? ` of ${size(progress.bytes_total)}` : "";
  const rate = progress.seconds_elapsed ? Math.floor(progress.bytes_done / progress.seconds_elapsed) : 0;
  say("main", progress.fraction_done == null ? "scanning" : `${(progress.fraction_done * 100).toFixed(1)} %`);
  say("detail", `${size(progress.bytes_done)}${total}${rate ? ` · ${size(rate)}/s` : ""}`);
  say("left", progress.seconds_remaining ? `about ${duration(progress.seconds_remaining)} left` : `${duration(progress.seconds_elapsed)} elapsed`);
}
