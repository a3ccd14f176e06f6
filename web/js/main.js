// Wires the page together: the stream fills the store, the store moves the views.
import { AlertSync } from "./alert-sync.js";
import { Alerts } from "./alerts.js";
import { login } from "./api.js";
import { learnDate, serverNow } from "./clock.js";
import { conditionOf } from "./condition.js";
import { byId, setText, toast } from "./dom.js";
import { count } from "./format.js";
import { Glance } from "./glance.js";
import { LinkLine } from "./link.js";
import { notice, warn } from "./notice.js";
import { Overview } from "./overview.js";
import { followPresence } from "./presence.js";
import { Rate } from "./rate.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { onTheme } from "./theme.js";
import { Views } from "./views.js";

const store = new Store();
const stream = new Stream("api/stream");
const rate = new Rate();
const alerts = new Alerts();
const sync = new AlertSync(alerts);
const glance = new Glance();
const link = new LinkLine(stream);

// While nothing arrives, time stands still: silence is not then the sensors' doing.
const now = () => serverNow() - (Date.now() - link.heardAt);
const judge = (name, record) => conditionOf(record, now(), alerts.of(name));
const look = (name, record) => (link.state === "live" ? judge(name, record) : "stale");
const overview = new Overview(store, alerts, judge, look);
const views = new Views({ store, look, alerts, overview, now }, () => (showNotice(), showTitle()));
let lag; // entries that are not yet folded, as this connection was told
let full = false; // whether Redis refuses new readings, as it was told too
let shownAs;

const take = {
  snapshot: (rows) => store.replace(rows),
  stats: (rows) => store.merge(rows),
  status: (facts) => {
    if (facts.redis) link.setRedis(facts.redis === "away");
    lag = facts.lag ?? lag;
    if (facts.memory) full = facts.memory === "full";
    onLink();
  },
  resync: () => toast("The stream was resynced: figures are current"),
  alerts: (active) => alerts.replace(active),
  alert: (change) => alerts.take(change),
};

stream.addEventListener("event", ({ detail: { event, data } }) => take[event]?.(JSON.parse(data)));
stream.addEventListener("date", ({ detail }) => learnDate(detail));
stream.addEventListener("link", onLink);

function onLink() {
  const { state } = link;
  if (state === "connecting") {
    rate.restart();
    lag = undefined;
    full = false;
  }
  if (state !== shownAs) {
    if (state === "live") {
      sync.learnPast();
      views.current?.retry();
    }
    shownAs = state;
    overview.grid.refresh();
  }
  views.current?.update();
  showGlance();
  showNotice();
  warn(state === "live" && full);
}

store.addEventListener("change", ({ detail: { names, gone, folded, whole } }) => {
  rate.add(performance.now(), whole ? 0 : folded);
  for (const name of gone) alerts.drop(name);
  overview.update(names, whole || gone.size > 0);
  const { name } = views.route;
  if (name !== undefined && (whole || names.has(name) || gone.has(name))) views.current.update();
  showNotice();
});

alerts.addEventListener("change", ({ detail: { names } }) => {
  overview.grid.refresh(names);
  showGlance();
  showTitle();
});

function showTitle() {
  const firing = alerts.count;
  setText(byId("nav-alerts"), firing ? count(firing) : "");
  document.title = `${firing ? `(${count(firing)}) ` : ""}${views.title ? `${views.title} · ` : ""}Rillet`;
}

function showNotice() {
  const { state } = link;
  if (state === "locked") return notice("locked", unlock);
  const { isList } = views;
  if (store.sensors.size > 0) return notice(isList && overview.none ? "none" : undefined, () => overview.clear());
  if (state === "live") return notice(isList && store.told ? "empty" : undefined);
  if (state === "away") return notice("redis");
  if (state === "waiting") notice("away", () => stream.retryNow());
}

async function unlock(token) {
  const wrong = await login(token);
  if (!wrong) stream.run();
  return wrong;
}

function showGlance() {
  let silent = 0;
  for (const [name, record] of store.sensors) if (judge(name, record) === "silent") silent++;
  const live = link.state === "live";
  glance.show({
    rate: live ? rate.at(performance.now()) : undefined,
    live: live ? store.sensors.size - silent : undefined,
    silent: live ? silent : undefined,
    alerts: live && alerts.told ? alerts.count : undefined,
    newest: alerts.active[0],
    lag: live ? lag : undefined,
  });
}

setInterval(() => (showGlance(), views.current?.update()), 500);
views.start();
onTheme(() => (overview.grid.redraw(), views.current?.redraw?.()));
followPresence(stream, () => sync.learnAll());
byId("main").dataset.ready = "true";
forgetTries();

/** Take what guard.js counted out of the address. */
function forgetTries() {
  const here = new URL(location.href);
  if (!here.searchParams.has("try")) return;
  here.searchParams.delete("try");
  history.replaceState(null, "", here);
}
