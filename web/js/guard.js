// Notices that a part of the page did not load, and loads the page anew; a plain script before
// the modules, so that it works where they do not. One lost module of forty would else leave the page as it
// stands in index.html, at "Connecting", for ever.
(() => {
  const PAUSES_MS = [1000, 3000, 10_000, 30_000];
  const tries = Number(new URLSearchParams(location.search).get("try")) || 0;
  let planned = false;

  const again = () => {
    const next = new URL(location.href);
    next.searchParams.set("try", tries + 1);
    location.replace(next);
  };

  const onError = ({ target }) => {
    if (planned || !target.matches?.('script[type="module"]')) return;
    planned = true;
    document.body.dataset.broken = "true";
    setTimeout(again, PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]);
  };

  addEventListener("error", onError, true);
})();
