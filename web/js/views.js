// Shows the view that the address names: the list, one sensor, or the alerts; one at a time.
import { AlertsView } from "./alerts-view.js";
import { byId } from "./dom.js";
import { onRoute } from "./route.js";
import { SensorView } from "./sensor.js";

const SECTIONS = { list: "overview", sensor: "sensor", alerts: "alerts" };

export class Views {
  /** `parts`: {store, look, alerts, overview, now}; `turned` is called after each change of view. */
  constructor(parts, turned) {
    Object.assign(this, { parts, turned, current: undefined, route: { view: "list" }, listAt: 0 });
  }

  /** Show what the address names, now and from now on. */
  start() {
    onRoute((route) => this.#show(route));
  }

  /** Whether the list is what is seen. */
  get isList() {
    return this.current === undefined;
  }

  /** The name of what is seen, for the window's title. */
  get title() {
    return this.current?.title;
  }

  #show(route) {
    const before = this.route;
    this.route = route;
    if (this.current && route.view === "sensor" && before.name === route.name) return this.current.pick(route.over);
    if (this.isList) this.listAt = scrollY;
    this.current?.destroy();
    for (const [view, id] of Object.entries(SECTIONS)) byId(id).hidden = view !== route.view;
    for (const link of byId("nav").children) {
      if (link.dataset.view === route.view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.current = this.#make(route);
    if (this.current) byId(SECTIONS[route.view]).querySelector("h1").focus({ preventScroll: true });
    else this.parts.overview.grid.measure();
    scrollTo(0, this.current ? 0 : this.listAt);
    if (!this.current && before.view !== "list") this.parts.overview.focus(before.name);
    this.turned();
  }

  #make(route) {
    const root = byId(SECTIONS[route.view]);
    if (route.view === "sensor") return new SensorView(root, route, this.parts);
    if (route.view === "alerts") return new AlertsView(root, this.parts);
    return undefined;
  }
}
