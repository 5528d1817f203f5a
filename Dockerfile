# docker build -t fusebox . && docker run --rm -p 7860:7860 fusebox
# With a GPU: add --gpus all to the run. Without one, a far smaller image from PyTorch's CPU wheels:
#   docker build --build-arg TORCH_INDEX=<index of the CPU wheels> -t fusebox .
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --create-home --uid 1000 fusebox
WORKDIR /home/fusebox/fusebox

# Packages first: this layer stays cached until requirements.txt changes. No ffmpeg: PyAV's wheel carries it.
ARG TORCH_INDEX=""
COPY requirements.txt ./
RUN pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt

COPY LICENSE LICENSE-WEIGHTS.md ./
COPY checkpoints ./checkpoints
COPY assets ./assets
COPY models ./models
COPY app ./app

USER fusebox
ENV FUSEBOX_HOST=0.0.0.0 \
    FUSEBOX_PORT=7860
EXPOSE 7860
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s \
    CMD python -c "import os, urllib.request as web; web.urlopen('http://127.0.0.1:%s/healthz' % os.environ['FUSEBOX_PORT'])"
CMD ["python", "-m", "app"]
