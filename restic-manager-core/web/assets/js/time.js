// Keeps relative times true while a page stays open, and tells absolute ones in the reader's zone.
const ABSOLUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function relative(moment, now) {
  const seconds = Math.floor(Math.abs(now - moment) / 1000);
  if (seconds < 10) return "just now";
  const length =
    seconds < 60 ? `${seconds} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
    : seconds < 86400 ? `${Math.floor(seconds / 3600)} h`
    : seconds < 5184000 ? `${Math.floor(seconds / 86400)} d`
    : seconds < 63072000 ? `${Math.floor(seconds / 2592000)} months`
    : `${Math.floor(seconds / 31536000)} years`;
  return moment > now ? `in ${length}` : `${length} ago`;
}

function refresh() {
  if (document.hidden) return;
  const now = Date.now();
  for (const element of document.querySelectorAll("time[datetime]")) {
    const moment = Date.parse(element.dateTime);
    if (Number.isNaN(moment)) continue;
    const text = relative(moment, now);
    if (element.textContent !== text) element.textContent = text;
    if (!element.dataset.told) {
      element.dataset.told = "yes";
      element.title = ABSOLUTE.format(moment);
    }
  }
}

export function keepTimes() {
  refresh();
  setInterval(refresh, 15000);
  document.addEventListener("visibilitychange", refresh);
  document.body.addEventListener("htmx:afterSettle", refresh);
}
