// The answers of this visit as figures. They are kept on the device only where the visitor asks for it; the link
// and a file of many are here too.
const KEPT_RECORDS = "fusebox-history";
const MOST_RECORDS = 50;

Object.assign(window.fusebox, {
  answers: [],

  // A visitor may have forbidden the page to keep anything, and then any use of the store is an error.
  store: (use) => {
    try {
      return use(window.localStorage);
    } catch {
      return null;
    }
  },

  addRecord: (latest) => {
    if (latest) {
      const now = new Date();
      const when = new Date(now - now.getTimezoneOffset() * 60000).toISOString().slice(0, 16).replace("T", " ");
      window.fusebox.answers = [...window.fusebox.answers, { ...JSON.parse(latest), when }].slice(-MOST_RECORDS);
      if (window.fusebox.remembers) window.fusebox.rememberRecords(true);
    }
    return window.fusebox.recordsAsText();
  },

  recordsAsText: () => JSON.stringify(window.fusebox.answers),

  rememberRecords: (wanted) => {
    window.fusebox.remembers = wanted;
    const text = window.fusebox.recordsAsText();
    window.fusebox.store((kept) => (wanted ? kept.setItem(KEPT_RECORDS, text) : kept.removeItem(KEPT_RECORDS)));
  },

  forgetRecords: () => {
    window.fusebox.answers = [];
    window.fusebox.rememberRecords(false);
    return window.fusebox.recordsAsText();
  },

  // What an earlier visit kept; says whether it kept anything. The server checks what is in it.
  recallRecords: () => {
    const text = window.fusebox.store((kept) => kept.getItem(KEPT_RECORDS));
    window.fusebox.remembers = text !== null;
    try {
      const found = JSON.parse(text);
      if (Array.isArray(found)) window.fusebox.answers = [...found, ...window.fusebox.answers].slice(-MOST_RECORDS);
    } catch {
      window.fusebox.rememberRecords(false);
    }
    return window.fusebox.remembers;
  },

  chosenRecord: () => JSON.stringify(window.fusebox.answers[window.fusebox.chosen] ?? null),

  // An address that asks the same again, but for the media. Where nothing may be copied, the address bar has it.
  copyLink: async (latest, method) => {
    const link = new URL(location.pathname, location.origin);
    const answer = latest ? JSON.parse(latest) : null;
    link.searchParams.set("method", answer?.method ?? method);
    if (answer) link.searchParams.set("modalities", answer.modalities.join(","));
    if (answer?.text && answer.modalities.includes("text")) link.searchParams.set("text", answer.text);
    link.searchParams.set("lang", window.fusebox.language === "en" ? "en" : "zh");
    let told = "link_copied";
    try {
      await navigator.clipboard.writeText(link.href);
    } catch {
      history.replaceState(history.state, "", link);
      told = "link_here";
    }
    document.querySelector("#beside-told span").textContent = window.fusebox.say(told);
  },

  // A click on a row sets an answer beside the present one, or opens one of many files.
  choose: (event) => {
    const row = event.target.closest?.("tr[data-record], tr[data-file]");
    if (!row) return;
    window.fusebox.chosen = row.dataset.record ?? row.dataset.file;
    if ("record" in row.dataset) return document.querySelector("#history-opener").click();
    window.fusebox.chosenIsSound = "sound" in row.dataset;
    window.fusebox.mark(null);
    for (const each of row.parentElement.rows) each.classList.toggle("fb-opened", each === row);
    document.querySelector("#many-opener").click();
  },

  // The chosen one of many files in the player that plays it: [film, sound].
  playChosen: (files) => {
    const file = files?.[window.fusebox.chosen] ?? null;
    return window.fusebox.chosenIsSound ? [null, file] : [file, null];
  },
});

document.addEventListener("click", (event) => window.fusebox.choose(event));
