/** A child that speaks as an embedded engine does: says where it serves, and ends with its standard input. */
import { formatAnnouncement } from "../../../src/local/announcement.ts";

if (process.argv[2] === "broken") process.exit(3);
process.stdout.write("something else first\n");
process.stdout.write(formatAnnouncement({ host: "127.0.0.1", port: 4711 }));
for await (const _ of Bun.stdin.stream()) {
  // nothing is said to us
}
