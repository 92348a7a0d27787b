const { cpSync } = require("node:fs");
const { join } = require("node:path");

const { INPUT_KEPT, RUNNER_TEMP, DOCKER_CONFIG } = process.env;
cpSync(RUNNER_TEMP, join(INPUT_KEPT, "temp"), { recursive: true });
cpSync(DOCKER_CONFIG, join(INPUT_KEPT, "docker"), { recursive: true });
