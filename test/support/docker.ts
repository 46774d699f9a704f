import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseImageName } from "../../src/programs/docker/image-name.ts";
import { StreamDemultiplexer } from "../../src/programs/docker/stream-demultiplexer.ts";
import { kill, processesOf } from "./e2e/leftovers.ts";
import { until } from "./until.ts";

/** Debian's busybox-static: a whole user land without libraries. */
const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"].find(existsSync);
const APPLETS = "sh cat dd echo env grep head id kill ls pwd sleep tail touch tr true false wc yes".split(" ");
/** Its image is made of this one, or of one that a test names. */
export const BUSYBOX_IMAGE = "brigade-test-busybox:1";

/** Long enough for a busy machine; a daemon that ends is noticed at once. */
const START_MS = 120_000;

export interface ListedContainer {
  readonly Id: string;
  readonly State: string;
  readonly Image: string;
  readonly Labels: Readonly<Record<string, string>>;
}

/** A Docker Engine that belongs to a test file, with a folder, a socket and a containerd of its own. */
export class DockerEngine implements AsyncDisposable {
  readonly #folder: string;
  readonly #args: readonly string[];
  #daemon: Bun.Subprocess | undefined;

  private constructor(folder: string, args: readonly string[]) {
    this.#folder = folder;
    this.#args = args;
  }

  /**
   * Starts one, with an image of busybox in it.
   *
   * @param args more arguments of `dockerd`
   * @returns why there is none on this machine
   */
  static async start(args: readonly string[] = []): Promise<DockerEngine | string> {
    if (Bun.which("dockerd") === null) return "dockerd is not installed (Debian: docker.io)";
    if (BUSYBOX === undefined) return "busybox is not installed (Debian: busybox-static)";
    if (Bun.spawnSync(["ldd", BUSYBOX]).success) return "busybox is not a static one (Debian: busybox-static)";
    if (process.getuid?.() !== 0) return "dockerd needs root";
    const engine = new DockerEngine(mkdtempSync(join(tmpdir(), "brigade-docker-")), args);
    try {
      await engine.startDaemon();
      await engine.makeImage(BUSYBOX_IMAGE);
      return engine;
    } catch (error) {
      const [reason = ""] = String(error).split("\n");
      await engine[Symbol.asyncDispose]();
      return `dockerd does not start here: ${reason}`;
    }
  }

  get socket(): string {
    return join(this.#folder, "docker.sock");
  }

  /** As DOCKER_HOST. */
  get host(): string {
    return `unix://${this.socket}`;
  }

  /** Without network of any kind: no bridge, no iptables, no forwarding, which a test machine may not allow. */
  async startDaemon(): Promise<void> {
    const paths = [
      "--data-root",
      "data",
      "--exec-root",
      "exec",
      "--pidfile",
      "docker.pid",
      "--config-file",
      "none.json",
    ];
    const args = paths.map((arg) => (arg.startsWith("--") ? arg : join(this.#folder, arg)));
    const offline = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"];
    await Bun.write(join(this.#folder, "none.json"), "{}");
    // Left by a daemon that was killed. Its containerd died with it, but stays a zombie where nobody reaps, and the new
    // one would wait for that.
    for (const file of ["docker.pid", "exec/containerd/containerd.pid"])
      rmSync(join(this.#folder, file), { force: true });
    const log = Bun.file(join(this.#folder, "dockerd.log"));
    const daemon = Bun.spawn(["dockerd", ...args, ...offline, "--host", this.host, ...this.#args], {
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
    this.#daemon = daemon;
    const giveUpAt = performance.now() + START_MS;
    while (!(await this.#answers())) {
      if (daemon.exitCode !== null) throw new Error(`it ended: ${(await log.text()).trimEnd().split("\n").at(-1)}`);
      if (performance.now() > giveUpAt) throw new Error(`it does not answer within ${START_MS / 1000} s`);
      await Bun.sleep(20);
    }
  }

  /** SIGKILL, as a crash: its containers go on. SIGTERM, as an upgrade: it ends them first. */
  async endDaemon(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#daemon?.kill(signal);
    await this.#daemon?.exited;
  }

  /** It hangs: its socket takes connections, and nobody answers. Its containers go on. */
  stall(): void {
    this.#daemon?.kill("SIGSTOP");
  }

  resume(): void {
    this.#daemon?.kill("SIGCONT");
  }

  /**
   * An image with busybox.
   *
   * @param changes as in a Dockerfile: `CMD ["cat"]`, `ENTRYPOINT …`, `ENV …`
   * @param files of it; `bin/busybox` alone is an image without a shell
   */
  async makeImage(name: string, changes: readonly string[] = [], files = ["."]): Promise<void> {
    const { repository: repo, tag } = parseImageName(name);
    const query = new URLSearchParams({ fromSrc: "-", repo, tag: tag ?? "" });
    for (const change of changes) query.append("changes", change);
    await this.request(
      "POST",
      `/images/create?${query.toString()}`,
      await busyboxTar(join(this.#folder, "image"), files),
    );
  }

  /** Loads an archive as `docker save` and scripts/image make it. */
  async load(archive: string): Promise<void> {
    const answer = await this.request("POST", "/images/load?quiet=1", await Bun.file(archive).bytes());
    // It answers 200 before it begins.
    const text = await answer.text();
    if (text.includes('"error"')) throw new Error(`cannot load ${archive}: ${text}`);
  }

  async tag(image: string, as: string): Promise<void> {
    const { repository: repo, tag } = parseImageName(as);
    const query = new URLSearchParams({ repo, tag: tag ?? "" });
    await this.request("POST", `/images/${encodeURIComponent(image)}/tag?${query.toString()}`);
  }

  async untag(image: string): Promise<void> {
    await this.request("DELETE", `/images/${encodeURIComponent(image)}`);
  }

  /** Runs a container to its end. @returns what it printed */
  async outputOf(image: string, args: readonly string[]): Promise<string> {
    const config = { Image: image, Cmd: args, HostConfig: { NetworkMode: "host" } };
    const { Id } = (await this.post("/containers/create", config)) as { Id: string };
    try {
      await this.request("POST", `/containers/${Id}/start`);
      // Its head comes at once, and its body with the end.
      await (await this.request("POST", `/containers/${Id}/wait`)).text();
      const logs = await (await this.request("GET", `/containers/${Id}/logs?stdout=1&stderr=1`)).bytes();
      let text = "";
      const add = (part: Uint8Array): void => {
        text += Buffer.from(part).toString();
      };
      new StreamDemultiplexer({ stdout: add, stderr: add }).push(logs);
      return text;
    } finally {
      await this.request("DELETE", `/containers/${Id}?force=1`);
    }
  }

  /** All of them, in any state. */
  async containers(): Promise<readonly ListedContainer[]> {
    return (await (await this.request("GET", "/containers/json?all=1")).json()) as ListedContainer[];
  }

  /** @param json sent as such @returns what the answer's JSON says */
  async post(path: string, json: unknown): Promise<unknown> {
    const headers = { "Content-Type": "application/json" };
    return (await this.#send("POST", path, { headers, body: JSON.stringify(json) })).json();
  }

  request(method: string, path: string, body?: Uint8Array): Promise<Response> {
    return this.#send(method, path, body === undefined ? {} : { body: body.slice().buffer });
  }

  async #send(method: string, path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(`http://docker${path}`, { unix: this.socket, method, ...init });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const daemon = this.#daemon;
    if (daemon !== undefined) {
      daemon.kill("SIGCONT");
      daemon.kill("SIGTERM");
      await until(() => daemon.exitCode !== null || daemon.signalCode !== null, "dockerd ends", START_MS);
    }
    await this.#clearAway();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What outlives a daemon that was killed, or did not come up again: shims, and mounts of containers. */
  async #clearAway(): Promise<void> {
    const killed = (): boolean => {
      const left = processesOf(this.#folder);
      for (const { pid } of left) kill(pid);
      return left.length === 0;
    };
    await until(killed, "nothing of dockerd runs any more", START_MS);
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
    const ours = mounts.map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(`${this.#folder}/`));
    // The innermost first; lazily, since what was killed may not have let go yet.
    for (const path of ours.reverse()) Bun.spawnSync(["umount", "--lazy", path]);
  }

  async #answers(): Promise<boolean> {
    if (!existsSync(this.socket)) return false;
    return this.request("GET", "/_ping").then(
      () => true,
      () => false,
    );
  }
}

/**
 * The files of an image with busybox.
 *
 * @param root a folder to gather them in, which may be there from before
 * @param files those that are wanted, below it
 */
export async function busyboxTar(root: string, files: readonly string[] = ["."]): Promise<Uint8Array> {
  if (!existsSync(root) && BUSYBOX !== undefined) {
    mkdirSync(join(root, "bin"), { recursive: true });
    mkdirSync(join(root, "tmp"));
    copyFileSync(BUSYBOX, join(root, "bin/busybox"));
    for (const applet of APPLETS) symlinkSync("busybox", join(root, "bin", applet));
  }
  return new Response(Bun.spawn(["tar", "-C", root, "-c", ...files], { stdout: "pipe" }).stdout).bytes();
}
