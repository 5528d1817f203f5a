// The little that Gradio's own components cannot do.
window.fusebox = {
  // What the visitor reads before choosing: what the browser asks for.
  visitorLanguage: () => (navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en"),

  // Gradio keeps its locale in a module of its own bundle. Importing that module by the address it was loaded
  // from gives the running instance, so every label changes in place and nothing the visitor did is lost.
  useLanguage: async (language) => {
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    const core = loaded.find((address) => /\/core-[^/]+\.js$/.test(address));
    if (core) (await import(core)).changeLocale(language);
  },

  // On a phone the answer stands below the input: bring it into view when it is asked for, and only then.
  showAnswer: () => {
    const answer = document.querySelector("#sentiment");
    if (answer.getBoundingClientRect().top > window.innerHeight / 2) answer.scrollIntoView({ behavior: "smooth" });
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
    player.currentTime = word ? word.dataset.start : (timeline.dataset.length * (event.clientX - left)) / width;
  },

  // The cursor stands where the player is. Asked for again and again, since Gradio replaces both at any time.
  follow: () => {
    const timeline = document.querySelector(".fb-timeline[data-player]");
    const player = timeline?.offsetParent && window.fusebox.playerOf(timeline);
    if (!player) return;
    const now = player.currentTime;
    timeline.style.setProperty("--fb-at", Math.min(now / timeline.dataset.length, 1));
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

document.addEventListener("click", (event) => window.fusebox.seek(event));
document.addEventListener("error", window.fusebox.cannotPlay, true); // it does not bubble
document.addEventListener("loadeddata", (event) => event.target.classList?.remove("fb-unplayable"), true);
document.addEventListener("scroll", () => window.fusebox.markMore(), true);
setInterval(() => {
  window.fusebox.follow();
  window.fusebox.tellPlace();
}, 50);
setInterval(() => (window.fusebox.fitNew(), window.fusebox.markMore()), 250); // for what has come, grown or been zoomed
