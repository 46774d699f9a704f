/** What a broker writes for operations that a client may do where that was not asked, or where it has no authorizer. */
export const AUTHORIZED_OPERATIONS_NOT_ASKED = -2_147_483_648;
