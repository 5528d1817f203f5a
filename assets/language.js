// The page's language: what the browser asks for at first, then what the visitor chooses.
window.fusebox = {
  visitorLanguage: () => (navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en"),

  // Gradio keeps its locale in a module of its own bundle. Importing that module by the address it was loaded
  // from gives the running instance, so every label changes in place and nothing the visitor did is lost.
  useLanguage: async (language) => {
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    const core = loaded.find((address) => /\/core-[^/]+\.js$/.test(address));
    if (core) (await import(core)).changeLocale(language);
  },
};
