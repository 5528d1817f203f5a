"""The page: Gradio only, one file a panel."""
