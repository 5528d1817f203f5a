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
};
