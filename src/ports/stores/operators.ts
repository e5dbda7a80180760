/** Whether an account has the role `operator`, as last committed. False for an unknown id. */
export type IsOperator = (userId: string) => Promise<boolean>;
