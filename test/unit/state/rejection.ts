/** What a promise is rejected with; undefined if it is not. (bun-types declares `expect().rejects` as synchronous.) */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
