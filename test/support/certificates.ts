import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const openssl = Bun.which("openssl");
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Certificates for loopback, made by openssl, in a folder for each of their owners: `ca.pem`, `cert.pem`, `key.pem`. */
export class Certificates implements Disposable {
  /** Why there can be none on this machine. */
  static readonly lack = openssl === null ? "openssl is not installed" : undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), "brigade-certificates-"));

  /** Makes a certificate, by an authority that is made with its first. @returns its folder */
  issue(owner: string, authority = "authority"): string {
    const folder = join(this.#folder, owner);
    mkdirSync(folder);
    const ca = join(this.#folder, authority);
    if (!existsSync(ca)) {
      mkdirSync(ca);
      this.#openssl([
        "req",
        "-x509",
        ...NEW_KEY,
        "-keyout",
        `${ca}/key.pem`,
        "-out",
        `${ca}/ca.pem`,
        "-subj",
        `/CN=${authority}`,
      ]);
    }
    this.#openssl([
      "req",
      ...NEW_KEY,
      "-keyout",
      `${folder}/key.pem`,
      "-out",
      `${folder}/request.pem`,
      "-subj",
      `/CN=${owner}`,
    ]);
    writeFileSync(`${folder}/extensions`, "subjectAltName = IP:127.0.0.1, DNS:localhost\n");
    const by = [
      "-CA",
      `${ca}/ca.pem`,
      "-CAkey",
      `${ca}/key.pem`,
      "-CAcreateserial",
      "-extfile",
      `${folder}/extensions`,
    ];
    this.#openssl(["x509", "-req", "-in", `${folder}/request.pem`, ...by, "-out", `${folder}/cert.pem`, "-days", "2"]);
    this.#openssl(["x509", "-in", `${ca}/ca.pem`, "-out", `${folder}/ca.pem`]);
    return folder;
  }

  #openssl(args: readonly string[]): void {
    const run = Bun.spawnSync([openssl ?? "openssl", ...args], { stdout: "ignore", stderr: "pipe" });
    if (!run.success) throw new Error(`openssl ${args.join(" ")} failed: ${run.stderr.toString()}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
