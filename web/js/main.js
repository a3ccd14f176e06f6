// Wires the page together: the stream fills the store, the store moves the views.
import { Alerts } from "./alerts.js";
import { get, login } from "./api.js";
import { learnDate, serverNow } from "./clock.js";
import { conditionOf } from "./condition.js";
import { byId, toast } from "./dom.js";
import { Glance } from "./glance.js";
import { LinkLine } from "./link.js";
import { notice } from "./notice.js";
import { Overview } from "./overview.js";
import { Rate } from "./rate.js";
import { onRoute } from "./route.js";
import { SensorView } from "./sensor.js";
import { Store, idTime } from "./store.js";
import { Stream } from "./stream.js";
import { onTheme } from "./theme.js";

const store = new Store();
const stream = new Stream("api/stream");
const rate = new Rate();
const alerts = new Alerts();
const glance = new Glance();
const link = new LinkLine(stream);
let frozenAt = 0; // While nothing arrives, time stands still: silence is not then the sensors' doing.

const now = () => (link.state === "live" ? serverNow() : frozenAt);
const judge = (name, record) => conditionOf(record, now(), alerts.has(name));
const look = (name, record) => (link.state === "live" ? judge(name, record) : "stale");
const overview = new Overview(store, judge, look);
let told = {};
let delay;
let shownAs;
let view; // the sensor that is looked at
let listAt = 0; // where the list was scrolled to

const take = {
  snapshot: (rows) => store.replace(rows),
  stats: (rows) => store.merge(rows),
  status: (facts) => {
    told = facts;
    link.setRedis(facts.redis === "away");
  },
  resync: () => toast("The stream was resynced: figures are current"),
  alert: (changes) => (alerts.take([changes].flat()), overview.grid.refresh()),
};

stream.addEventListener("event", ({ detail: { event, data } }) => take[event]?.(JSON.parse(data)));
stream.addEventListener("date", ({ detail }) => learnDate(detail));
stream.addEventListener("link", ({ detail: { state } }) => {
  if (state === "connecting") rate.restart();
  if (state === "live" && state !== shownAs) learnAlerts();
  if (state !== shownAs) overview.grid.refresh();
  shownAs = state;
  view?.update();
  showNotice();
});

store.addEventListener("change", ({ detail: { names, folded, whole } }) => {
  frozenAt = serverNow();
  if (!whole) {
    rate.add(performance.now(), folded);
    for (const name of names) delay = frozenAt - idTime(store.sensors.get(name).now.last_id);
  }
  overview.update(names, whole);
  if (view && (whole || names.has(view.name))) view.update();
  showNotice();
});

function showNotice() {
  const { state } = stream.link;
  if (state === "locked") return notice("locked", unlock);
  if (view) return notice(undefined);
  if (store.sensors.size > 0) return notice(overview.none ? "none" : undefined, () => overview.clear());
  if (state === "live") return notice("empty");
  if (state === "waiting") notice("away", () => stream.retryNow());
}

// The stream carries only changes; what was firing before is asked for. Newest first, so turned.
// What comes meanwhile is newer than the answer, so it is taken once more after it.
async function learnAlerts() {
  const meanwhile = [];
  const note = ({ detail: { event, data } }) => event === "alert" && meanwhile.push(JSON.parse(data));
  stream.addEventListener("event", note);
  const known = await get("alerts");
  stream.removeEventListener("event", note);
  if (!known?.items) return;
  alerts.replace(known.items.toReversed());
  alerts.take(meanwhile.flat());
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
    alerts: live ? alerts.count : undefined,
    lag: live ? told.lag : undefined,
    delay_ms: live ? delay : undefined,
  });
}

function showRoute(name) {
  if (name && !view) listAt = scrollY;
  view?.destroy();
  byId("overview").hidden = name !== undefined;
  byId("sensor").hidden = name === undefined;
  view = name === undefined ? undefined : new SensorView(name, store, look);
  document.title = name ? `${name} · Rillet` : "Rillet";
  if (view) byId("sensor").querySelector("h1").focus();
  else overview.grid.redraw();
  scrollTo(0, view ? 0 : listAt);
  showNotice();
}

onRoute(showRoute);
setInterval(() => (showGlance(), view?.update()), 500);
onTheme(() => (overview.grid.redraw(), view?.update()));
byId("main").dataset.ready = "true";
stream.run();
