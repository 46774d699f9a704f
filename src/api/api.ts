import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { BrigadeError, describeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { checkHealth, describeHealth, isHealthy } from "./health.ts";
import { metricsOf } from "./metrics.ts";
import { problem } from "./problem-details.ts";
import { formatPrometheus, PROMETHEUS_CONTENT_TYPE } from "./prometheus.ts";
import type { SchedulerPort } from "./scheduler-port.ts";

export interface ApiOptions {
  readonly scheduler: SchedulerPort;
  readonly log: Logger;
}

class UnknownProcessorError extends BrigadeError {
  override readonly name = "UnknownProcessorError";
  readonly code = "unknown-processor";
  readonly fault = "input";
}

/** The routes' types, for `hc<Api>` of hono/client. */
export type Api = ReturnType<typeof createApi>;

/** The REST API of a scheduler. No sockets: see serve.ts. */
export function createApi({ scheduler, log }: ApiOptions) {
  return new Hono()
    .notFound((c) => problem(c, 404, "Not found", `There is no ${c.req.method} ${c.req.path}`))
    .onError((error, c) => {
      if (error instanceof UnknownProcessorError) return problem(c, 404, "No such processor", error.message);
      if (error instanceof BrigadeError && error.fault === "input") {
        return problem(c, 409, "Not possible now", error.message);
      }
      if (error instanceof BrigadeError && error.fault === "infrastructure") {
        return problem(c, 503, "Not available now", error.message);
      }
      log.error("API request failed", { method: c.req.method, path: c.req.path, error, stack: error.stack });
      return problem(c, 500, "Internal error", describeError(error));
    })
    .use(sameOrigin)
    .get("/livez", (c) => c.text("ok\n"))
    .get("/readyz", async (c) => {
      const checks = checkHealth(await scheduler.snapshot());
      const status = isHealthy(checks) ? 200 : 503;
      if (c.req.query("verbose") !== undefined) return c.text(describeHealth(checks), status);
      return c.text(status === 200 ? "ok\n" : "not ok\n", status);
    })
    .get("/health", async (c) => {
      const checks = checkHealth(await scheduler.snapshot());
      return c.json({ healthy: isHealthy(checks), checks }, isHealthy(checks) ? 200 : 503);
    })
    .get("/status", async (c) => {
      // The original's answers: `OK`, or 500 and a text.
      const ill = checkHealth(await scheduler.snapshot()).filter((check) => check.problem !== null);
      if (ill.length === 0) return c.text("OK", 200);
      return c.text(ill.map(({ name, problem }) => `${name}: ${problem}`).join("\n"), 500);
    })
    .get("/metrics", async (c) => {
      const [view, families] = await Promise.all([scheduler.snapshot(), scheduler.metrics()]);
      const text = formatPrometheus([...metricsOf(view), ...families]);
      return c.body(text, 200, { "content-type": PROMETHEUS_CONTENT_TYPE });
    })
    .get("/api/v1/status", async (c) => c.json(await scheduler.snapshot(), 200))
    .get("/api/v1/processors", async (c) => c.json((await scheduler.snapshot()).processors, 200))
    .get("/api/v1/processors/:name", async (c) => {
      const name = c.req.param("name");
      const processor = (await scheduler.snapshot()).processors.find((one) => one.name === name);
      if (processor === undefined) throw new UnknownProcessorError(`There is no processor ${name}`);
      return c.json(processor, 200);
    })
    .get("/api/v1/processors/:name/offsets", async (c) => {
      const name = c.req.param("name");
      const offsets = await scheduler.offsets(name);
      if (offsets === undefined) throw new UnknownProcessorError(`There is no processor ${name}`);
      return c.json(offsets, 200);
    })
    .get("/api/v1/tasks", async (c) => c.json(await scheduler.tasks(), 200))
    .get("/api/v1/problems", async (c) => {
      const { problems, held } = await scheduler.snapshot();
      return c.json({ problems, held }, 200);
    })
    .post("/api/v1/processors/:name/remove", async (c) => {
      const name = c.req.param("name");
      const known = (await scheduler.snapshot()).processors.some((one) => one.name === name);
      if (!known) throw new UnknownProcessorError(`There is no processor ${name}`);
      return c.json({ removed: await scheduler.confirmRemoval([name]) }, 200);
    })
    .post("/api/v1/processors/remove", async (c) => c.json({ removed: await scheduler.confirmRemoval("all") }, 200));
}

/** A page of another site can make a browser send a POST here; it cannot hide where it comes from. */
const sameOrigin = createMiddleware(async (c, next) => {
  const origin = c.req.header("origin");
  const safe = c.req.method === "GET" || c.req.method === "HEAD";
  if (safe || origin === undefined || origin === new URL(c.req.url).origin) {
    await next();
    return;
  }
  return problem(c, 403, "Foreign origin", `Requests that change something are not taken from pages of ${origin}`);
});
