/** A mistake of the user's or a refusal of the server's; its message is the one line that is printed. */
export class FlagFault extends Error {}
