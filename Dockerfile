# One image for every process; which one a container is, its command and environment say.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt

COPY . .
# Compiled once here: the user below may not write, and twenty processes would each compile everything at every start.
RUN python -m compileall -q . && useradd --system --no-create-home --shell /usr/sbin/nologin sagabox
RUN STATIC_ROOT=/app/staticfiles python manage.py collectstatic --no-input --verbosity 0
# A volume mounted here takes over the owner: the control process keeps the fault plan in it.
RUN install -d -o sagabox -m 0700 /var/lib/sagabox
USER sagabox
