import type { Check } from "./check.ts";
import { config } from "./checks/config.ts";
import { gpu } from "./checks/gpu.ts";
import { grpc } from "./checks/grpc.ts";
import { health } from "./checks/health.ts";
import { metrics } from "./checks/metrics.ts";
import { models } from "./checks/models.ts";
import { p2p } from "./checks/p2p.ts";
import { resources } from "./checks/resources.ts";
import { restart } from "./checks/restart.ts";
import { shutdown } from "./checks/shutdown.ts";
import { startup } from "./checks/startup.ts";
import { user } from "./checks/user.ts";
import { vram } from "./checks/vram.ts";

/** All of them, in the order in which they run. */
export const checks: readonly Check[] = [
  ...[config, startup, gpu, models, vram, user, health],
  ...[metrics, grpc, p2p, resources, shutdown, restart],
];
