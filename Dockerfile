# The dashboard as a Docker Space, or on any machine with a container engine:
#   docker build --tag cifar10-lab . && docker run --publish 7860:7860 cifar10-lab
# Trainings are cut short and one at a time (CIFAR_LAB_PUBLIC); run with `--env CIFAR_LAB_PUBLIC=` to lift that.
FROM python:3.11-slim

# A Space runs as user 1000.
RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user/app

ENV HOME=/home/user \
    PATH=/home/user/.local/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    OMP_WAIT_POLICY=PASSIVE \
    CIFAR_LAB_PUBLIC=1

# Packages first, so that a change of ours does not install them anew. CPU wheels spare 5 GB of CUDA libraries:
# a Space from `space push` names their index in its requirements; elsewhere give it with --build-arg.
ARG PIP_EXTRA_INDEX_URL=
COPY --chown=user requirements.txt ./
RUN pip install --user --no-cache-dir -r requirements.txt

COPY --chown=user LICENSE README.md ./
COPY --chown=user cifar_core ./cifar_core
COPY --chown=user checkpoints ./checkpoints
COPY --chown=user demo ./demo

EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/_stcore/health', timeout=5)"]

# In the Hub's frame, which is another site's page, an upload needs a cookie that is sent across sites; a
# browser takes such a cookie over https alone, so it is not the default elsewhere.
CMD exec python -m streamlit run demo/dashboard.py --server.port=7860 --server.address=0.0.0.0 \
    --server.headless=true --server.maxUploadSize=20 ${SPACE_ID:+--server.xsrfCookieSameSite=none}
