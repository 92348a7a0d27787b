# Every form of an instruction that makes a layer.
ARG TOP=cfg
FROM base:bookworm AS first
ARG NAME=world
ARG TWO="a b"
ENV DEST=/opt/dest
# a comment
RUN echo one \
# comment inside
    && echo "two  $NAME" \

    && echo three
RUN ["/bin/echo", "exec form", "$NAME"]
RUN --mount=type=tmpfs,target=/mnt --network=none echo mounted > /m
RUN <<EOT
echo heredoc one
  echo $NAME
EOT
RUN <<-"EOT" cat > /h2
	tabbed
	EOT
RUN cat <<A >/a && cat <<B >/b
first
A
second $NAME
B
RUN <<S
#!/bin/sh
echo script
S
COPY ${NAME:-x} one*.txt ${DEST}/
COPY --chown=1000:1000 --chmod=644 one.txt $DEST/two.txt
COPY --link one.txt /linked
COPY ["one.txt", "/with space/"]
COPY <<"END" /req.txt
a==1
END
COPY <<X <<Y /many/
x
X
y $NAME
Y
ADD one.txt /added
ADD t.tar $DEST
WORKDIR $DEST/work
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN echo bash | cat > /bashed
FROM first AS last
COPY --from=0 --chown=1000 /req.txt .
COPY . ./ctx
RUN <<EOF bash -x
echo piped
EOF
