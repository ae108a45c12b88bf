# One image for every process of ours; docker-compose.yml says which command each service runs.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless openssl git \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/hamrong
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY . .
# Editable: the rules, the register and the boards are read from beside the code.
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e .

# Spark's connectors are part of the image, so that a start needs no network; Kafka and OpenSearch have images of their own.
RUN hamrong stack jars --home /opt/java \
    && rm -rf /opt/java/jars/kafka /opt/java/jars/opensearch /root/.ivy2
ENV HAMRONG_SPARK_JARS=/opt/java/jars/spark

# A new named volume takes the owner of the folder it covers.
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/hamrong hamrong \
    && mkdir --parents /var/lib/hamrong /var/spool/hamrong \
    && chown hamrong: /var/lib/hamrong /var/spool/hamrong
USER hamrong
WORKDIR /var/lib/hamrong

ENTRYPOINT ["hamrong"]
CMD ["--help"]
