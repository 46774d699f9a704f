import { describe, expect } from "bun:test";
import type { ContractContext } from "../context.ts";
import { grammars } from "../grammars.ts";
import type { WireValue } from "../wire-grammar.ts";

export function connectionScenarios(context: ContractContext): void {
  describe("the connection", () => {
    context.scenario("tells the versions served, also to who asks in a version that is too new", async () => {
      await context.withRaw(async (client) => {
        const { apis } = await client.call(grammars.apiVersions, {
          clientSoftwareName: "test",
          clientSoftwareVersion: "1",
        });
        expect((apis as WireValue[]).map(({ apiKey }) => apiKey)).toEqual(
          expect.arrayContaining([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14]),
        );
        client.post(
          { ...grammars.apiVersions, flexibleFrom: 3 },
          { clientSoftwareName: "test", clientSoftwareVersion: "1" },
          99,
        );
        const refused = await client.nextFrame();
        expect(refused.readInt16BE(4)).toBe(35);
      });
    });
  });
}
