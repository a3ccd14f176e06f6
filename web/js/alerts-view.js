// The view of all alerts: what fires now, the newest changes, and the rules as they stand.
import { get } from "./api.js";
import { changeRow, firingRow } from "./alert-words.js";
import { copyButton, el, keepFocus, onceAFrame } from "./dom.js";
import { count } from "./format.js";
import { watchWords, whenWords } from "./rule-words.js";

const SHOWN = 100;
const ASK_MS = 30_000;
const FIRST = "rillet rules load rules.toml";

export class AlertsView {
  title = "Alerts";

  /** `now()` is the time that what is shown is of. */
  constructor(root, { alerts, now }) {
    Object.assign(this, { root, alerts, now, rules: undefined, drawn: undefined });
    this.firing = el("div", { "aria-live": "polite" });
    this.recent = el("div");
    this.rulesBox = el("div", {}, el("p", { class: "soft" }, "Asking for the rules"));
    this.#compose();
    this.heard = onceAFrame(() => this.gone || keepFocus(root, () => this.#draw()));
    alerts.addEventListener("change", this.heard);
    this.asking = setInterval(() => this.#ask(), ASK_MS);
    this.#draw();
    this.#ask();
  }

  /** Keep the durations true; called twice a second. */
  update() {
    for (const [node, alert] of this.rows ?? []) {
      const fresh = firingRow(alert, this.now()).querySelector("time").textContent;
      const time = node.querySelector("time");
      if (time.textContent !== fresh) time.textContent = fresh;
    }
  }

  /** The server is back: ask at once what it did not answer. */
  retry() {
    if (!this.rules) this.#ask();
  }

  destroy() {
    this.gone = true;
    clearInterval(this.asking);
    this.alerts.removeEventListener("change", this.heard);
    this.root.replaceChildren();
  }

  #compose() {
    const part = (heading, body, name) => el("section", { class: `panel ${name}` }, el("h2", {}, heading), body);
    const left = el("div", { class: "side" }, part("Firing now", this.firing, "firing"), part("Recent changes", this.recent, "recent"));
    this.root.replaceChildren(
      el("h1", { tabindex: -1 }, "Alerts"),
      el("div", { class: "inside" }, left, part("Rules", this.rulesBox, "rules")),
    );
  }

  #draw() {
    const { active, recent, told, toldPast } = this.alerts;
    const none = told ? "Nothing is firing." : "The server has not said yet what is firing.";
    const noChange = toldPast ? "No alert has fired or been resolved yet." : "The server has not said yet what changed.";
    this.rows = active.slice(0, SHOWN).map((alert) => [firingRow(alert, this.now()), alert]);
    const nodes = this.rows.map(([node]) => node);
    const more = active.length > SHOWN ? [el("p", { class: "soft" }, `And ${count(active.length - SHOWN)} more.`)] : [];
    this.firing.replaceChildren(listOr(nodes, none), ...more);
    this.recent.replaceChildren(listOr(recent.slice(0, SHOWN).map((alert) => changeRow(alert)), noChange));
    this.#drawRules();
  }

  async #ask() {
    const known = await get("rules");
    if (known?.rules) this.rules = known.rules;
    this.#drawRules();
  }

  #drawRules() {
    if (!this.rules) return;
    this.rulesBox.replaceChildren(...(this.rules.length ? [ruleList(this.rules, this.alerts.active)] : noRules()));
  }
}

function listOr(rows, none) {
  return rows.length ? el("ul", { class: "changes" }, ...rows) : el("p", { class: "soft" }, none);
}

function ruleList(rules, active) {
  const rows = rules.map((rule) => {
    const firing = active.filter((alert) => alert.rule === rule.name).length;
    const what = el("div", { class: "what" }, el("b", {}, rule.name), el("span", { class: "when" }, whenWords(rule)), el("span", { class: "by" }, watchWords(rule)));
    return el("li", { class: "rule", "data-rule": rule.name }, what, el("span", { class: firing ? "raised" : "soft" }, firing ? `${count(firing)} firing` : "quiet"));
  });
  return el("ul", { class: "changes" }, ...rows);
}

function noRules() {
  return [
    el("p", {}, "No rules yet: nothing can fire. Write them into a TOML file and load it:"),
    el("p", { class: "line" }, el("code", {}, FIRST), copyButton(() => FIRST)),
  ];
}
