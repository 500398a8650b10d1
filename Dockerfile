# `npm start` as an image: API, functions and schedule, run by the same files as from a checkout. For one machine; on
# AWS the functions are deployed without it.
#
# The commands are not bundled into one file: Node runs their TypeScript as it is, so nothing differs between here and a
# checkout, and what that costs is 40 MB of packages beside the 200 MB of Node and Debian. The functions are, because
# that is how they are deployed; neither the bundler's program nor the tools of development come into the image.
FROM node:24-trixie-slim AS build
WORKDIR /app
COPY . .
# No package's own scripts: none is needed, and they would run as root. A registry that asks who you are:
# `docker build --secret id=npmrc,src=$HOME/.npmrc .`, which stays out of every layer.
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund
RUN node packages/local-stack/src/cli/bundle.ts \
    && rm -r functions/dist/source-maps \
    && npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-trixie-slim
ENV NODE_ENV=production
WORKDIR /app
# Owned by root: who runs it can't change it.
COPY --from=build /app ./
USER node
ENTRYPOINT ["node", "packages/local-stack/src/cli/start.ts", "--built"]
