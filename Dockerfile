# An image of the API and of the page.
#   docker build -t spanmatch .                            the CPU image (the last stage)
#   docker build -t spanmatch:cuda --target cuda .         with torch's CUDA build; needs the NVIDIA container toolkit to run
#   docker run -p 127.0.0.1:8000:8000 spanmatch            the API with spanmatch-mini, which is part of the package
#   docker run -v "$PWD/models:/models:ro" -p 127.0.0.1:8000:8000 spanmatch serve /models/mine --host 0.0.0.0
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY pyproject.toml constraints.txt README.md CHANGELOG.md LICENSE ./
COPY spanmatch spanmatch
COPY models/spanmatch-mini models/spanmatch-mini
COPY data/everyday data/everyday
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim AS environment
COPY constraints.txt /tmp/constraints.txt
COPY --from=wheel /wheels /wheels
RUN python -m venv /opt/spanmatch

FROM environment AS cpu-environment
RUN /opt/spanmatch/bin/pip install --no-cache-dir torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
RUN /opt/spanmatch/bin/pip install --no-cache-dir -c /tmp/constraints.txt "$(echo /wheels/*.whl)[serve,demo]"

FROM environment AS cuda-environment
RUN /opt/spanmatch/bin/pip install --no-cache-dir -c /tmp/constraints.txt "$(echo /wheels/*.whl)[serve,demo]"

FROM python:3.11-slim AS runtime
RUN useradd --create-home --uid 10001 spanmatch
ENV PATH=/opt/spanmatch/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/spanmatch
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["spanmatch"]
CMD ["serve", "--host", "0.0.0.0"]

FROM runtime AS cuda
COPY --from=cuda-environment /opt/spanmatch /opt/spanmatch

FROM runtime AS cpu
COPY --from=cpu-environment /opt/spanmatch /opt/spanmatch
