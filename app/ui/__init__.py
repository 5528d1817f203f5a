"""The page: Gradio only, one file a panel."""

import sys
from importlib.util import find_spec, module_from_spec


def _import_gradio() -> None:
    """Import Gradio without its writing of .pyi files, on which it spends two fifths of its import.

    It parses the source of every component to write, beside it, what an editor may show.
    """
    spec = find_spec("gradio")
    if "gradio" in sys.modules or spec is None or spec.loader is None:
        return
    package = sys.modules["gradio"] = module_from_spec(spec)
    from gradio import component_meta  # the first of its modules; needs nothing of the package itself

    component_meta.create_or_modify_pyi = lambda *_: None
    spec.loader.exec_module(package)


_import_gradio()
