/** What a promise is rejected with; undefined if it is not. (bun-types declares `expect().rejects` as synchronous.) */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}
