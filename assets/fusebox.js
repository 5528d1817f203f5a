// The little that Gradio's own components cannot do.
window.fusebox = {
  // The address says the language (`?lang=zh`), or else the browser does.
  visitorLanguage: () => {
    const asked = new URLSearchParams(location.search).get("lang") ?? navigator.language;
    return asked.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
  },

  findLanguage: () => {
    const language = window.fusebox.visitorLanguage();
    window.fusebox.useLanguage(language);
    return language;
  },

  // Chosen by the visitor: a reload and a copied address keep it.
  chooseLanguage: (language) => {
    const address = new URL(location);
    address.searchParams.set("lang", language === "en" ? "en" : "zh");
    history.replaceState(history.state, "", address);
    window.fusebox.useLanguage(language);
  },

  // Gradio keeps its locale in a module of its own bundle. Importing that module by the address it was loaded
  // from gives the running instance, so every label changes in place and nothing the visitor did is lost.
  useLanguage: async (language) => {
    window.fusebox.language = language;
    document.title = window.fusebox.say("title");
    document.documentElement.style.setProperty("--fb-loading", JSON.stringify(window.fusebox.say("loading")));
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    const core = loaded.find((address) => /\/core-[^/]+\.js$/.test(address));
    if (core) (await import(core)).changeLocale(language);
    document.documentElement.lang = language;
    window.fusebox.translate();
  },

  say: (key) => window.fuseboxTexts[key][window.fusebox.language === "en" ? 0 : 1],

  // What Gradio's components say themselves, in the visitor's language; "#" stands for any number.
  translate: () => {
    const from = window.fusebox.language === "en" ? 1 : 0;
    const table = new Map(window.fuseboxTexts.gradio.map((pair) => [pair[from], pair[1 - from]]));
    const number = /\d+(\.\d+)?/;
    const better = (said) => table.get(said.replace(number, "#"))?.replace("#", said.match(number)?.[0]);
    for (const part of document.querySelectorAll("#give, footer")) {
      const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const said = texts.currentNode.data.trim();
        if (better(said)) texts.currentNode.data = texts.currentNode.data.replace(said, better(said));
      }
      for (const name of ["aria-label", "title"])
        for (const element of part.querySelectorAll(`[${name}]`)) {
          const said = element.getAttribute(name);
          if (better(said)) element.setAttribute(name, better(said));
        }
    }
  },

  // The page opens with an example's answer, unless the visitor was quicker.
  open: (example) => {
    // A link may ask about words instead.
    const words = new URLSearchParams(location.search).get("text")?.trim();
    if (window.fusebox.marked === undefined) window.fusebox.mark(words ? null : example);
    if (!window.fusebox.touched) document.querySelector("#analyse").click();
  },

  touch: (event) => {
    const passing = event.type === "keydown" && ["Tab", "Shift"].includes(event.key);
    if (!passing && event.target.closest?.("#give, #language")) window.fusebox.touched = true;
  },

  // Which example the page is about; null for none.
  mark: (example) => {
    window.fusebox.marked = example;
    document
      .querySelectorAll("#examples .fb-card")
      .forEach((card, index) => card.setAttribute("aria-pressed", index === example));
  },

  // A new clip empties the page of the one before. A question that is asked meanwhile waits for that, so that it
  // is about the new clip and not about words of the old one; not for long, should the server not answer.
  emptying: 0,

  startOver: () => {
    window.fusebox.mark(null);
    window.fusebox.emptying += 1;
  },

  emptied: async () => {
    const latest = performance.now() + 10000;
    while (window.fusebox.emptying && performance.now() < latest)
      await new Promise((wait) => setTimeout(wait, 20));
  },

  // The words of an answer replace those that it was asked with, and no others: the visitor may have typed on.
  wordsHeard: (typed, heard) => {
    const [asked, words] = JSON.parse(heard || "[]");
    return typed === asked ? words : typed;
  },

  // On a phone the answer stands below the input: bring it into view when it is asked for, and only then.
  showAnswer: () => {
    const answer = document.querySelector("#sentiment");
    const below = answer.getBoundingClientRect().top > window.innerHeight / 2;
    if (below && window.fusebox.touched) answer.scrollIntoView({ behavior: "smooth" });
  },

  // A switch shows at once what the table of subsets says of it; the server's answer, which follows, says the rest.
  foretell: (...on) => {
    const shown = document.querySelector("#sentiment .fb-headline").parentElement.cloneNode(true);
    const subset = ["text", "audio", "vision"].filter((_, index) => on[index]).join("+");
    const row = document.querySelector(`#subsets [data-subset="${subset}"][data-label]`);
    const gauge = shown.querySelector(".fb-gauge");
    const dot = gauge.querySelector(".fb-dot:not(.fb-before)");
    if (!row || !dot) return shown.innerHTML;
    const before = dot.cloneNode();
    before.className = "fb-dot fb-before";
    const foretold = row.querySelector(".fb-track").cloneNode(true);
    const [band, now] = foretold.children;
    now.style.setProperty("--from", dot.style.left);
    gauge.setAttribute("aria-label", row.dataset.spoken);
    gauge.querySelector(".fb-track").replaceChildren(band, before, now);
    shown.querySelector(".fb-score").textContent = row.querySelector("b").textContent;
    shown.querySelector(".fb-label").textContent = row.dataset.label;
    shown.querySelector(".fb-was").textContent = "";
    shown.querySelector(".fb-foot span").textContent = foretold.getAttribute("aria-label");
    return shown.innerHTML;
  },

  // A score, or why there is none, is read aloud when it changes; whatever else is drawn anew is not.
  announce: () => {
    const why = document.querySelector("#sentiment .fb-quiet .fb-label")?.textContent;
    const said = why ?? document.querySelector("#sentiment [role=img]")?.getAttribute("aria-label");
    const place = document.querySelector("#announced");
    if (said && place && place.textContent !== said) place.textContent = said;
  },

  // Arrow keys, Home and End move between tabs. A tab that is only passed is not opened: it may take seconds.
  moveBetweenTabs: (event) => {
    const tab = event.target.closest?.("[role=tablist] [role=tab]");
    if (!tab || event.ctrlKey || event.altKey || event.metaKey) return;
    const tabs = [...tab.parentElement.querySelectorAll("[role=tab]:not(:disabled)")];
    const at = tabs.indexOf(tab);
    const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    const next = tabs[(places[event.key] + tabs.length) % tabs.length];
    next.focus();
    clearTimeout(window.fusebox.opening);
    window.fusebox.opening = setTimeout(() => document.activeElement === next && next.click(), 200);
  },

  // Gradio takes every other key in a list that cannot be typed in for a search: Tab would leave the list open.
  keepListClosed: (event) => {
    const moves = ["ArrowUp", "ArrowDown", "Home", "End", "Enter", "Escape"];
    if (event.target.matches?.("[role=combobox][readonly]") && !moves.includes(event.key)) event.stopPropagation();
  },

  // A row of tabs that is wider than the page is swiped; its edges show where more stand.
  showMoreTabs: () => {
    for (const row of document.querySelectorAll("#input [role=tablist], #depth [role=tablist]")) {
      const left = row.scrollLeft > 1;
      const right = row.scrollLeft + row.clientWidth < row.scrollWidth - 1;
      const more = `${left ? "left " : ""}${right ? "right" : ""}`.trim();
      if (row.dataset.more !== more) row.dataset.more = more;
    }
  },

  // A browser cannot play every film that can be analysed (AVI, for one). Gradio would call that an error.
  cannotPlay: (event) => {
    if (!event.target.matches?.("#clip video")) return;
    event.stopImmediatePropagation();
    event.target.classList.add("fb-unplayable");
  },

  // Gradio tells the place in the queue in English only, among other figures.
  tellPlace: () => {
    const told = document.querySelector("#sentiment .progress-text");
    const place = told?.textContent.match(/queue: (\d+)\/(\d+)/);
    if (!place) return told?.removeAttribute("data-place");
    const phrase = document.querySelector("#queue-place").textContent.trim();
    told.dataset.place = phrase.replace("{place}", place[1]).replace("{all}", place[2]);
  },

  // The element that plays what a timeline shows: the film, or the sound that Gradio hides in a shadow root.
  playerOf: (timeline) =>
    timeline.dataset.player === "clip"
      ? document.querySelector("#clip video")
      : document.querySelector("#recording #waveform > div")?.shadowRoot?.querySelector("audio"),

  // A click on a word, or on a place of a track, goes there.
  seek: (event) => {
    const timeline = event.target.closest?.(".fb-timeline[data-player]");
    const plot = event.target.closest?.(".fb-lane-plot");
    const player = timeline && plot && window.fusebox.playerOf(timeline);
    if (!player) return;
    const word = event.target.closest("[data-start]");
    const { left, width } = plot.getBoundingClientRect();
    const place = word ? word.dataset.start : (timeline.dataset.length * (event.clientX - left)) / width;
    player.currentTime = Number(timeline.dataset.begins) + Number(place);
  },

  // A click on an utterance of a recording opens it, and goes there; on its speaker or face, it corrects that.
  openUtterance: (event) => {
    const wrong = event.target.closest?.("[data-correct]");
    if (wrong) {
      window.fusebox.chosen = wrong.dataset.correct;
      document.querySelector("#recording-corrector").click();
    }
    const utterance = event.target.closest?.("[data-utterance]");
    if (!utterance) return;
    window.fusebox.chosen = utterance.dataset.utterance;
    document.querySelector("#recording-opener").click();
    const player = window.fusebox.playerOf(document.querySelector(".fb-recording"));
    if (player) player.currentTime = utterance.dataset.from;
    for (const each of document.querySelectorAll(".fb-utterance"))
      each.classList.toggle("fb-opened", each.dataset.utterance === window.fusebox.chosen);
  },

  // The cursor stands where the player is. Asked for again and again, since Gradio replaces both at any time.
  follow: () => {
    const timelines = [...document.querySelectorAll(".fb-timeline[data-player]")];
    const timeline = timelines.find((each) => each.offsetParent); // the one in the open tab
    const player = timeline && window.fusebox.playerOf(timeline);
    if (!player) return;
    const now = player.currentTime - timeline.dataset.begins;
    timeline.style.setProperty("--fb-at", Math.min(Math.max(now / timeline.dataset.length, 0), 1));
    for (const word of timeline.querySelectorAll("[data-start]"))
      word.classList.toggle("fb-said", word.dataset.start <= now && now < word.dataset.end);
    if (player.paused) return;
    const room = timeline.parentElement.getBoundingClientRect();
    const cursor = timeline.querySelector(".fb-cursor").getBoundingClientRect();
    if (cursor.left > room.right || cursor.right < room.left)
      timeline.parentElement.scrollLeft += cursor.left - room.left - room.width / 2;
  },

  // A box that scrolls sideways says on which sides there is more.
  markMore: () => {
    for (const box of document.querySelectorAll(".fb-scroll")) {
      box.classList.toggle("fb-more-before", box.scrollLeft > 1);
      box.classList.toggle("fb-more-after", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
    }
  },

  // A new figure begins at its fit. Gradio makes it from the elements of the one before, zoom and all.
  fitNew: () => {
    for (const zoom of document.querySelectorAll(".fb-zoom")) {
      if (zoom.figure === zoom.dataset.figure && zoom.querySelector(":checked")) continue;
      zoom.figure = zoom.dataset.figure;
      zoom.querySelector("input").checked = true;
    }
  },
};

// Gradio's player fetches 32 MB to trim clips with, which the page does not offer.
const fetchAny = window.fetch;
window.fetch = (what, ...how) =>
  String(what?.url ?? what).includes("/static/ffmpeg/") ? new Promise(() => {}) : fetchAny(what, ...how);

// Gradio draws its components at any time, so what stands in them is looked at after every change.
let looking = false;
new MutationObserver(() => {
  if (looking) return;
  looking = true;
  requestAnimationFrame(() => {
    looking = false;
    window.fusebox.announce();
    window.fusebox.showMoreTabs();
    window.fusebox.fitNew();
    if (window.fusebox.language) window.fusebox.translate();
  });
}).observe(document.body, {
  childList: true,
  subtree: true,
  characterData: true,
  attributeFilter: ["aria-label", "title", "data-figure"],
});

for (const kind of ["pointerdown", "keydown", "input", "change", "drop"])
  document.addEventListener(kind, window.fusebox.touch, true);
document.addEventListener("keydown", window.fusebox.keepListClosed, true);
document.addEventListener("keydown", window.fusebox.moveBetweenTabs);
document.addEventListener("scroll", window.fusebox.showMoreTabs, true);
window.addEventListener("resize", window.fusebox.showMoreTabs);
document.addEventListener("click", (event) => window.fusebox.seek(event));
document.addEventListener("click", (event) => window.fusebox.openUtterance(event));
document.addEventListener("error", window.fusebox.cannotPlay, true); // it does not bubble
document.addEventListener("loadeddata", (event) => event.target.classList?.remove("fb-unplayable"), true);
document.addEventListener("scroll", () => window.fusebox.markMore(), true);
setInterval(() => {
  window.fusebox.follow();
  window.fusebox.tellPlace();
}, 50);
setInterval(() => window.fusebox.markMore(), 250); // for what has come, grown or been zoomed
