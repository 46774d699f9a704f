import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * AlterConfigsRequest => [resources] validateOnly:boolean tags
 *   resources => resourceType:int8 resourceName:string [configs] tags
 *     configs => name:string value:nullableString tags
 *
 * IncrementalAlterConfigsRequest is the same with an operation:int8 between a configuration's name and value.
 *
 * (Incremental)AlterConfigsResponse => throttleTimeMs:int32 [results] tags
 *   results => errorCode:int16 errorMessage:nullableString resourceType:int8 resourceName:string tags
 */

/** What is done to a value, by Kafka's numbers; the last two are for lists. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface AlteredConfig {
  readonly name: string;
  /** Of AlterConfigs always SET. */
  readonly operation: number;
  readonly value: string | null;
}

export interface AlteredResource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly AlteredConfig[];
}

export interface AlterConfigsRequest {
  readonly resources: readonly AlteredResource[];
  readonly validateOnly: boolean;
}

export interface AlterConfigsResponse {
  readonly results: readonly {
    readonly errorCode: ErrorCode;
    readonly errorMessage: string | null;
    readonly resourceType: number;
    readonly resourceName: string;
  }[];
}

function alterMessage(
  head: Pick<Message<unknown, unknown>, "apiKey" | "name" | "maxVersion" | "flexibleFrom">,
  isIncremental: boolean,
): Message<AlterConfigsRequest, AlterConfigsResponse> {
  return {
    ...head,
    minVersion: 0,
    decodeRequest(reader) {
      const resources = reader.array(() => {
        const resourceType = reader.int8();
        const resourceName = reader.string();
        const configs = reader.array(() => {
          const name = reader.string();
          const operation = isIncremental ? reader.int8() : ConfigOperation.SET;
          const value = reader.nullableString();
          reader.tags();
          return { name, operation, value };
        });
        reader.tags();
        return { resourceType, resourceName, configs };
      });
      const validateOnly = reader.boolean();
      reader.tags();
      return { resources, validateOnly };
    },
    encodeResponse(writer, { results }) {
      writer.int32(0);
      writer.array(results, ({ errorCode, errorMessage, resourceType, resourceName }) => {
        writer.int16(errorCode);
        writer.nullableString(errorMessage);
        writer.int8(resourceType);
        writer.string(resourceName);
        writer.tags();
      });
      writer.tags();
    },
  };
}

/** Replaces all that a resource sets. */
export const alterConfigs = alterMessage({ apiKey: 33, name: "AlterConfigs", maxVersion: 2, flexibleFrom: 2 }, false);

/** Changes what is named, and leaves the rest. */
export const incrementalAlterConfigs = alterMessage(
  { apiKey: 44, name: "IncrementalAlterConfigs", maxVersion: 1, flexibleFrom: 1 },
  true,
);
