// Gradio refuses all files that are given with one that is too large; that one is kept back, and told of.
Object.assign(window.fusebox, {
  tooLarge: [], // [name, bytes]

  keepBack: (event) => {
    const input = event.target.closest?.("#many-files")?.querySelector("input[type=file]");
    const given = [...((event.type === "drop" ? event.dataTransfer : input)?.files ?? [])];
    if (!input || !given.length || event.sorted) return;
    const most = window.gradio_config?.max_file_size ?? Infinity;
    const large = given.filter((file) => file.size > most);
    window.fusebox.tooLarge = large.length < given.length ? large.map((file) => [file.name, file.size]) : [];
    if (!window.fusebox.tooLarge.length) return; // where nothing else is given Gradio says it
    const fitting = new DataTransfer();
    for (const file of given) if (!large.includes(file)) fitting.items.add(file);
    event.preventDefault();
    event.stopImmediatePropagation();
    input.files = fitting.files;
    input.dispatchEvent(Object.assign(new Event("change", { bubbles: true }), { sorted: true }));
  },
});

for (const event of ["change", "drop"]) document.addEventListener(event, window.fusebox.keepBack, true);
