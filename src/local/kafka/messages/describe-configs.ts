import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * DescribeConfigsRequest => [resources] includeSynonyms:boolean(1+) includeDocumentation:boolean(3+) tags
 *   resources => resourceType:int8 resourceName:string [configurationKeys:string]:nullable tags
 *
 * DescribeConfigsResponse => throttleTimeMs:int32 [results] tags
 *   results => errorCode:int16 errorMessage:nullableString resourceType:int8 resourceName:string [configs] tags
 *     configs => name:string value:nullableString readOnly:boolean isDefault:boolean(0) configSource:int8(1+)
 *                isSensitive:boolean [synonyms](1+) configType:int8(3+) documentation:nullableString(3+) tags
 *       synonyms => name:string value:nullableString source:int8 tags
 */

export const ConfigResourceType = { TOPIC: 2, BROKER: 4 } as const;

/** Where a value comes from, by Kafka's numbers. */
export const ConfigSource = { TOPIC: 1, STATIC_BROKER: 4, DEFAULT: 5 } as const;
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

/** What a value is, by Kafka's numbers. */
export const ConfigType = { BOOLEAN: 1, STRING: 2, INT: 3, LONG: 5, DOUBLE: 6, LIST: 7 } as const;
export type ConfigType = (typeof ConfigType)[keyof typeof ConfigType];

export interface DescribeConfigsResource {
  readonly resourceType: number;
  readonly resourceName: string;
  /** null asks for all. */
  readonly configurationKeys: readonly string[] | null;
}

export interface DescribeConfigsRequest {
  readonly resources: readonly DescribeConfigsResource[];
  readonly includeSynonyms: boolean;
}

/** A setting that a value was taken from, or would be taken from without those before it. */
export interface ConfigSynonym {
  readonly name: string;
  readonly value: string;
  readonly source: ConfigSource;
}

export interface DescribedConfig {
  readonly name: string;
  readonly value: string;
  readonly readOnly: boolean;
  readonly source: ConfigSource;
  readonly type: ConfigType;
  readonly synonyms: readonly ConfigSynonym[];
}

export interface DescribeConfigsResult {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly DescribedConfig[];
}

export interface DescribeConfigsResponse {
  readonly results: readonly DescribeConfigsResult[];
}

export const describeConfigs: Message<DescribeConfigsRequest, DescribeConfigsResponse> = {
  apiKey: 32,
  name: "DescribeConfigs",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  decodeRequest(reader, version) {
    const resources = reader.array(() => {
      const resource = {
        resourceType: reader.int8(),
        resourceName: reader.string(),
        configurationKeys: reader.nullableArray(() => reader.string()),
      };
      reader.tags();
      return resource;
    });
    const includeSynonyms = version >= 1 ? reader.boolean() : false;
    if (version >= 3) reader.boolean(); // includeDocumentation: there is none
    reader.tags();
    return { resources, includeSynonyms };
  },
  encodeResponse(writer, { results }, version) {
    writer.int32(0);
    writer.array(results, (result) => {
      writer.int16(result.errorCode);
      writer.nullableString(result.errorMessage);
      writer.int8(result.resourceType);
      writer.string(result.resourceName);
      writer.array(result.configs, (config) => {
        writer.string(config.name);
        writer.nullableString(config.value);
        writer.boolean(config.readOnly);
        if (version === 0) writer.boolean(config.source !== ConfigSource.TOPIC);
        else writer.int8(config.source);
        writer.boolean(false);
        if (version >= 1) {
          writer.array(config.synonyms, ({ name, value, source }) => {
            writer.string(name);
            writer.nullableString(value);
            writer.int8(source);
            writer.tags();
          });
        }
        if (version >= 3) {
          writer.int8(config.type);
          writer.nullableString(null);
        }
        writer.tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};
