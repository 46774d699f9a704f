/** What a broker writes for operations that a client may do where that was not asked; this one never tells them. */
export const AUTHORIZED_OPERATIONS_NOT_ASKED = -2_147_483_648;
