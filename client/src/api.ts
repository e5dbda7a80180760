/*
 * The schemas of docs/openapi.json as types. Generated: `npm run openapi` writes this file anew, and Biome leaves it
 * as it is.
 */
export interface components {
    schemas: {
        /**
         * @example {
         *       "type": "urn:problem-type:kinship:token_reused",
         *       "title": "Refresh token used before",
         *       "status": 401,
         *       "detail": "This refresh token was used before; its session has been ended.",
         *       "instance": "58d83f6c-2927-427d-8c5b-456c6e2682ad",
         *       "code": "token_reused",
         *       "recovery": "login"
         *     }
         */
        readonly Problem: {
            /** @description the type of the problem; its last part is the `code` */
            readonly type: string;
            readonly title: string;
            readonly status: number;
            readonly detail: string;
            /** @description the id of the request, as in the header `x-request-id` */
            readonly instance: string;
            /** @enum {string} */
            readonly code: "malformed_token" | "invalid_token" | "invalid_dpop_proof" | "use_dpop_nonce" | "pair_mismatch" | "token_expired" | "session_not_found" | "token_reused" | "session_revoked" | "session_expired" | "user_agent_changed" | "address_changed" | "proof_refused" | "idempotency_key_reused" | "invalid_request" | "step_up_required" | "unauthenticated" | "forbidden" | "invalid_link" | "not_found" | "invalid_credentials" | "email_unverified" | "account_disabled" | "method_not_allowed" | "conflict" | "second_factor_required" | "too_many_requests" | "unavailable" | "payload_too_large" | "unsupported_media_type" | "request_timeout" | "headers_too_large" | "internal_error";
            /**
             * @description what a client should do next
             * @enum {string}
             */
            readonly recovery: "retry" | "login" | "step_up" | "none";
            /** @description only with `second_factor_required`: what the second step sends back */
            readonly challenge?: string;
            /** @description only with `second_factor_required`: PublicKeyCredentialRequestOptionsJSON, for a passkey */
            readonly publicKey?: Record<string, never>;
            /** @description only with `second_factor_required`: what the account can answer with */
            readonly kinds?: readonly ("totp" | "passkey" | "recovery_code")[];
        };
        /**
         * @example {
         *       "access": "eyJhbGciOiJIUzUxMiIsInR5cCI6ImF0K2p3dCIs…",
         *       "refresh": "eyJhbGciOiJIUzUxMiIsInR5cCI6InJ0K2p3dCIs…",
         *       "expiresIn": 900
         *     }
         */
        readonly TokenPair: {
            /** @description access token */
            readonly access: string;
            /** @description refresh token, valid for one refresh */
            readonly refresh: string;
            /** @description seconds until the access token expires */
            readonly expiresIn: number;
            /**
             * @description only in a session that is bound to a key: each token needs a proof of it
             * @enum {string}
             */
            readonly tokenType?: "DPoP";
        };
        /**
         * @example {
         *       "expiresIn": 900
         *     }
         */
        readonly SessionInCookies: {
            /** @description seconds until the access token expires */
            readonly expiresIn: number;
        };
        /**
         * @example {
         *       "error": "invalid_grant",
         *       "error_description": "The refresh token has expired."
         *     }
         */
        readonly OAuthError: {
            /** @enum {string} */
            readonly error: "invalid_request" | "invalid_client" | "invalid_grant" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope" | "invalid_dpop_proof" | "use_dpop_nonce" | "server_error" | "temporarily_unavailable";
            readonly error_description: string;
        };
        readonly Credentials: {
            readonly username?: string;
            readonly password?: string;
            /** @description `false`: the session ends after `SESSION_SHORT_AGE`, for a device that others use. Default: true */
            readonly remember?: boolean;
            /** @description with `userId`: what the access tokens of the session carry, at most 512 bytes of JSON, three levels deep */
            readonly claims?: {
                readonly [key: string]: unknown;
            };
        };
        /**
         * @example {
         *       "access": "eyJhbGciOiJIUzUxMiIsInR5cCI6ImF0K2p3dCIs…",
         *       "refresh": "eyJhbGciOiJIUzUxMiIsInR5cCI6InJ0K2p3dCIs…",
         *       "expiresIn": 900
         *     }
         * @example {
         *       "expiresIn": 900
         *     }
         */
        readonly IssuedPair: components["schemas"]["TokenPair"] | components["schemas"]["SessionInCookies"];
        readonly SecondStep: {
            /** @description `challenge` of the previous answer */
            readonly challenge: string;
            /** @description six digits */
            readonly code?: string;
            readonly recoveryCode?: string;
            /** @description AuthenticationResponseJSON (WebAuthn) */
            readonly assertion?: {
                readonly id: string;
                readonly rawId: string;
                /** @enum {string} */
                readonly type: "public-key";
                readonly authenticatorAttachment?: string | null;
                /** @description ignored */
                readonly clientExtensionResults?: Record<string, never>;
                readonly response: {
                    readonly clientDataJSON: string;
                    readonly authenticatorData: string;
                    readonly signature: string;
                    readonly userHandle?: string | null;
                };
            };
        };
        /**
         * @example {
         *       "challenge": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwi…",
         *       "publicKey": {
         *         "rpId": "auth.example.com",
         *         "challenge": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA",
         *         "timeout": 300000,
         *         "allowCredentials": [],
         *         "userVerification": "required"
         *       }
         *     }
         */
        readonly BegunPasskeyLogin: {
            /** @description what the login sends back */
            readonly challenge: string;
            /** @description PublicKeyCredentialRequestOptionsJSON (WebAuthn) */
            readonly publicKey: {
                readonly rpId: string;
                readonly challenge: string;
                readonly timeout: number;
                readonly allowCredentials: readonly {
                    readonly id: string;
                    /** @enum {string} */
                    readonly type: "public-key";
                    readonly transports?: readonly string[];
                }[];
                /** @enum {string} */
                readonly userVerification: "preferred" | "required";
            };
        };
        readonly PasskeyLogin: {
            /** @description `challenge` of the previous answer */
            readonly challenge: string;
            /** @description AuthenticationResponseJSON (WebAuthn) */
            readonly assertion: {
                readonly id: string;
                readonly rawId: string;
                /** @enum {string} */
                readonly type: "public-key";
                readonly authenticatorAttachment?: string | null;
                /** @description ignored */
                readonly clientExtensionResults?: Record<string, never>;
                readonly response: {
                    readonly clientDataJSON: string;
                    readonly authenticatorData: string;
                    readonly signature: string;
                    readonly userHandle?: string | null;
                };
            };
            /** @enum {string} */
            readonly binding?: "pair" | "refresh";
            /** @description `false`: a session of `SESSION_SHORT_AGE` */
            readonly remember?: boolean;
        };
        readonly PairToRefresh: {
            readonly refreshToken?: string;
            /** @description the access token of the same pair; may have expired */
            readonly accessToken?: string;
        };
        /**
         * @example {
         *       "challenge": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwi…",
         *       "publicKey": {
         *         "rpId": "auth.example.com",
         *         "challenge": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA",
         *         "timeout": 300000,
         *         "allowCredentials": [],
         *         "userVerification": "required"
         *       }
         *     }
         */
        readonly BegunStepUp: {
            /** @description send it back with the step-up */
            readonly challenge: string;
            /** @description PublicKeyCredentialRequestOptionsJSON (WebAuthn) */
            readonly publicKey: {
                readonly rpId: string;
                readonly challenge: string;
                readonly timeout: number;
                readonly allowCredentials: readonly {
                    readonly id: string;
                    /** @enum {string} */
                    readonly type: "public-key";
                    readonly transports?: readonly string[];
                }[];
                /** @enum {string} */
                readonly userVerification: "preferred" | "required";
            };
        };
        readonly StepUp: {
            readonly refreshToken?: string;
            /** @description the access token of the same pair; may have expired */
            readonly accessToken?: string;
            readonly password?: string;
            /** @description six digits */
            readonly code?: string;
            readonly recoveryCode?: string;
            /** @description `challenge` of the previous answer */
            readonly challenge?: string;
            /** @description AuthenticationResponseJSON (WebAuthn) */
            readonly assertion?: {
                readonly id: string;
                readonly rawId: string;
                /** @enum {string} */
                readonly type: "public-key";
                readonly authenticatorAttachment?: string | null;
                /** @description ignored */
                readonly clientExtensionResults?: Record<string, never>;
                readonly response: {
                    readonly clientDataJSON: string;
                    readonly authenticatorData: string;
                    readonly signature: string;
                    readonly userHandle?: string | null;
                };
            };
        };
        readonly SessionToEnd: {
            readonly refreshToken?: string;
        };
        readonly Registration: {
            readonly username: string;
            readonly email: string;
            readonly password: string;
        };
        /**
         * @example {
         *       "id": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *       "username": "ann",
         *       "email": "ann@example.com"
         *     }
         */
        readonly Account: {
            /** @description UUID */
            readonly id: string;
            readonly username: string;
            readonly email: string;
        };
        readonly ForgottenPassword: {
            readonly email: string;
        };
        readonly UnverifiedAddress: {
            readonly email: string;
        };
        readonly Session: {
            /** @description UUID */
            readonly id: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly refreshedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly expiresAt: string;
            readonly createdIp: string;
            readonly lastIp: string;
            /** @description the browser or app in words; an unknown user agent as the client sent it */
            readonly userAgent: string;
            /** @description how often the session was rotated */
            readonly generation: number;
            /** @description the name of the device; absent: it has none */
            readonly deviceName?: string;
            /** @description whether this is the session of the request */
            readonly current: boolean;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "id": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *           "createdAt": "2026-01-02T03:04:05.678Z",
         *           "refreshedAt": "2026-01-02T03:19:05.123Z",
         *           "expiresAt": "2026-02-01T03:19:05.000Z",
         *           "createdIp": "192.0.2.7",
         *           "lastIp": "192.0.2.7",
         *           "userAgent": "Firefox 145 on Linux",
         *           "generation": 1,
         *           "current": true
         *         }
         *       ]
         *     }
         */
        readonly SessionList: {
            readonly items: readonly components["schemas"]["Session"][];
            /** @description the cursor of the next page; absent on the last page */
            readonly nextCursor?: string;
        };
        readonly Activity: {
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly time: string;
            readonly type: string;
            /** @enum {string} */
            readonly by: "user" | "service_key" | "operator" | "system";
            /** @description UUID */
            readonly sessionId?: string;
            readonly ip?: string;
            /** @description the browser or app in words */
            readonly userAgent?: string;
            /** @description why a session ended */
            readonly reason?: string;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "time": "2026-01-02T03:04:05.678Z",
         *           "type": "sessions.started",
         *           "by": "user",
         *           "sessionId": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *           "ip": "192.0.2.7",
         *           "userAgent": "Firefox 145 on Linux"
         *         }
         *       ]
         *     }
         */
        readonly ActivityList: {
            readonly items: readonly components["schemas"]["Activity"][];
            /** @description the cursor of the next page; absent on the last page */
            readonly nextCursor?: string;
        };
        /**
         * @example {
         *       "userId": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *       "sessionId": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *       "username": "ann",
         *       "email": "ann@example.com",
         *       "emailVerified": false,
         *       "authTime": 1767323045,
         *       "amr": [
         *         "pwd"
         *       ],
         *       "acr": "aal1"
         *     }
         */
        readonly Me: {
            /** @description UUID */
            readonly userId: string;
            /** @description UUID */
            readonly sessionId: string;
            readonly username?: string;
            readonly email?: string;
            /** @description whether the address is verified: by the user, or because an operator vouched for it */
            readonly emailVerified?: boolean;
            /** @description when the user was authenticated, in seconds since the epoch */
            readonly authTime?: number;
            /** @description how the user was authenticated (RFC 8176); absent if unknown */
            readonly amr?: readonly string[];
            /** @description `aal1`: by one factor, `aal2`: by several; absent if unknown */
            readonly acr?: string;
        };
        readonly ConfirmedPassword: {
            readonly password?: string;
        };
        readonly EmailChange: {
            readonly email: string;
            readonly password?: string;
        };
        readonly PasswordChange: {
            readonly currentPassword: string;
            readonly newPassword: string;
        };
        readonly Factor: {
            /** @description UUID */
            readonly id: string;
            /** @enum {string} */
            readonly kind: "totp" | "passkey";
            /** @description the user's name for the factor, 1 to 64 characters */
            readonly label: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly lastUsedAt?: string;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "id": "2f0c9a41-7d0e-4b8c-9a55-1d1f5a0c7e33",
         *           "kind": "totp",
         *           "label": "Phone",
         *           "createdAt": "2026-01-02T03:04:05.678Z"
         *         }
         *       ],
         *       "recoveryCodes": 10
         *     }
         */
        readonly FactorList: {
            readonly items: readonly components["schemas"]["Factor"][];
            /** @description the number of unused recovery codes */
            readonly recoveryCodes: number;
        };
        readonly NewTotp: {
            /** @description the user's name for the factor, 1 to 64 characters */
            readonly label?: string;
            /** @description counts as an authentication if the account has no second factor yet */
            readonly password?: string;
        };
        /**
         * @example {
         *       "id": "2f0c9a41-7d0e-4b8c-9a55-1d1f5a0c7e33",
         *       "uri": "otpauth://totp/auth.example.com:ann?issuer=auth.example.com…",
         *       "qr": "<svg…"
         *     }
         */
        readonly TotpSecret: {
            /** @description UUID */
            readonly id: string;
            /** @description the secret for an authenticator app; it is never shown again */
            readonly uri: string;
            /** @description the URI as a QR code, an SVG image */
            readonly qr: string;
        };
        readonly TotpConfirmation: {
            /** @description six digits */
            readonly code: string;
        };
        readonly FactorAuthorization: {
            /** @description counts as an authentication if the account has no second factor yet */
            readonly password?: string;
        };
        /**
         * @example {
         *       "codes": [
         *         "7K2MQD-…",
         *         "0X9RWT-…"
         *       ]
         *     }
         */
        readonly RecoveryCodes: {
            readonly codes: readonly string[];
        };
        readonly FactorLabel: {
            /** @description the user's name for the factor, 1 to 64 characters */
            readonly label: string;
        };
        /**
         * @example {
         *       "challenge": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwi…",
         *       "publicKey": {
         *         "rp": {
         *           "id": "auth.example.com",
         *           "name": "auth.example.com"
         *         },
         *         "user": {
         *           "id": "NmYxZjVmMGU",
         *           "name": "ann",
         *           "displayName": "ann"
         *         },
         *         "challenge": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA",
         *         "pubKeyCredParams": [
         *           {
         *             "alg": -8,
         *             "type": "public-key"
         *           }
         *         ],
         *         "timeout": 300000,
         *         "excludeCredentials": [],
         *         "authenticatorSelection": {
         *           "residentKey": "required",
         *           "requireResidentKey": true,
         *           "userVerification": "preferred"
         *         },
         *         "attestation": "none"
         *       }
         *     }
         */
        readonly BegunPasskey: {
            /** @description what the next request sends back */
            readonly challenge: string;
            /** @description PublicKeyCredentialCreationOptionsJSON (WebAuthn) */
            readonly publicKey: {
                readonly rp: {
                    readonly id: string;
                    readonly name: string;
                };
                readonly user: {
                    readonly id: string;
                    readonly name: string;
                    readonly displayName: string;
                };
                readonly challenge: string;
                readonly pubKeyCredParams: readonly {
                    readonly alg: number;
                    /** @enum {string} */
                    readonly type: "public-key";
                }[];
                readonly timeout: number;
                readonly excludeCredentials: readonly {
                    readonly id: string;
                    /** @enum {string} */
                    readonly type: "public-key";
                    readonly transports?: readonly string[];
                }[];
                readonly authenticatorSelection: {
                    /** @enum {string} */
                    readonly residentKey: "required";
                    readonly requireResidentKey: boolean;
                    /** @enum {string} */
                    readonly userVerification: "preferred";
                };
                /** @enum {string} */
                readonly attestation: "none";
            };
        };
        readonly NewPasskey: {
            /** @description `challenge` of the previous answer */
            readonly challenge: string;
            /** @description RegistrationResponseJSON (WebAuthn) */
            readonly credential: {
                readonly id: string;
                readonly rawId: string;
                /** @enum {string} */
                readonly type: "public-key";
                readonly authenticatorAttachment?: string | null;
                /** @description ignored */
                readonly clientExtensionResults?: Record<string, never>;
                readonly response: {
                    readonly clientDataJSON: string;
                    readonly attestationObject: string;
                    readonly authenticatorData?: string;
                    readonly publicKey?: string;
                    readonly publicKeyAlgorithm?: number;
                    readonly transports?: readonly string[];
                };
            };
            /** @description the user's name for the factor, 1 to 64 characters */
            readonly label?: string;
        };
        /**
         * @example {
         *       "id": "2f0c9a41-7d0e-4b8c-9a55-1d1f5a0c7e33"
         *     }
         */
        readonly AddedFactor: {
            /** @description UUID */
            readonly id: string;
        };
        readonly SessionIdOpening: {
            /** @description UUID */
            readonly guid: string;
        };
        /**
         * @example {
         *       "access_token": "eyJhbGciOiJIUzUxMiIsInR5cCI6ImF0K2p3dCIs…",
         *       "refresh_token": "ZXlKaGJHY2lPaUpJVXpVeE1pSXNJ…"
         *     }
         */
        readonly SessionIdTokens: {
            /** @description its payload holds `session_id` and `guid` */
            readonly access_token: string;
            /** @description base64; valid for one refresh */
            readonly refresh_token: string;
        };
        readonly SessionIdRefresh: {
            /** @description UUID */
            readonly session_id: string;
            /** @description base64, as in the answer that contained it */
            readonly refresh_token?: string;
        };
        readonly SessionIdSession: {
            /** @description UUID */
            readonly id: string;
            /** @description UUID */
            readonly guid: string;
            readonly hashed_refresh_token: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly created_time: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly updated_time: string;
        };
        readonly TaskApiRegistration: {
            readonly username: string;
            readonly password: string;
            readonly email: string;
        };
        /**
         * @example {
         *       "username": "ann",
         *       "email": "ann@example.com"
         *     }
         */
        readonly TaskApiAccount: {
            readonly username: string;
            readonly email: string;
        };
        readonly TaskApiCredentials: {
            readonly username: string;
            readonly password: string;
        };
        /**
         * @example {
         *       "access": "eyJhbGciOiJIUzUxMiIsInR5cCI6ImF0K2p3dCIs…",
         *       "refresh": "eyJhbGciOiJIUzUxMiIsInR5cCI6InJ0K2p3dCIs…"
         *     }
         */
        readonly TaskApiTokens: {
            readonly access: string;
            readonly refresh: string;
        };
        readonly TaskApiRefresh: {
            readonly refresh: string;
        };
        readonly TaskApiNothing: Record<string, never>;
        /**
         * @example {
         *       "id": 1,
         *       "author": "ann",
         *       "text": "Water the plants",
         *       "pub_date": "2026-01-02T03:04:05.678Z"
         *     }
         */
        readonly Task: {
            readonly id: number;
            /** @description username */
            readonly author: string;
            readonly text: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly pub_date: string;
        };
        readonly NewTask: {
            /** @description 1 to 200 characters */
            readonly text: string;
        };
        readonly TaskChange: {
            /** @description 1 to 200 characters */
            readonly text?: string;
        };
        /**
         * @example {
         *       "id": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *       "username": "ann",
         *       "tasks": [
         *         "Water the plants"
         *       ]
         *     }
         */
        readonly User: {
            /** @description UUID */
            readonly id: string;
            /** @description absent for another user whose name is an unverified e-mail address */
            readonly username?: string;
            /** @description the texts of the user’s own tasks; empty for other users */
            readonly tasks: readonly string[];
        };
        readonly NotMe: {
            /** @description the token in the link */
            readonly token: string;
        };
        readonly PasswordReset: {
            /** @description the token in the link */
            readonly token: string;
            readonly newPassword: string;
        };
        readonly EmailChangeLink: {
            /** @description the token in the link */
            readonly token: string;
        };
        readonly EmailUndoLink: {
            /** @description the token in the link */
            readonly token: string;
        };
        readonly EmailVerification: {
            /** @description the token in the link */
            readonly token: string;
        };
        readonly Grant: {
            /** @description `refresh_token` */
            readonly grant_type: string;
            /** @description the refresh token of an unpaired session */
            readonly refresh_token?: string;
            /** @description the client of the session; optional */
            readonly client_id?: string;
            /** @description not supported: leave it out */
            readonly scope?: string;
        };
        /**
         * @example {
         *       "access_token": "eyJhbGciOiJIUzUxMiIsInR5cCI6ImF0K2p3dCIs…",
         *       "token_type": "Bearer",
         *       "expires_in": 900,
         *       "refresh_token": "eyJhbGciOiJIUzUxMiIsInR5cCI6InJ0K2p3dCIs…"
         *     }
         */
        readonly OAuthTokens: {
            readonly access_token: string;
            /**
             * @description `DPoP` in a session that is bound to a key
             * @enum {string}
             */
            readonly token_type: "Bearer" | "DPoP";
            /** @description seconds until the access token expires */
            readonly expires_in: number;
            /** @description valid for one refresh */
            readonly refresh_token: string;
        };
        readonly TokenForm: {
            readonly token: string;
            /** @description ignored: the token states its type */
            readonly token_type_hint?: string;
            /** @description the client of the session; optional */
            readonly client_id?: string;
        };
        /** @example {} */
        readonly RevocationDone: Record<string, never>;
        /**
         * @example {
         *       "active": true,
         *       "token_type": "Bearer",
         *       "sub": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *       "sid": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *       "client_id": "kinship",
         *       "iss": "https://auth.example.com",
         *       "aud": "kinship",
         *       "iat": 1767323045,
         *       "exp": 1767323945,
         *       "jti": "3012e531-4d1c-481b-818b-ab19596b046f",
         *       "auth_time": 1767323045,
         *       "amr": [
         *         "pwd"
         *       ],
         *       "acr": "aal1",
         *       "plan": "paid"
         *     }
         * @example {
         *       "active": false
         *     }
         */
        readonly Introspection: {
            readonly active: boolean;
            /**
             * @description access tokens only
             * @enum {string}
             */
            readonly token_type?: "Bearer" | "DPoP";
            readonly sub?: string;
            /** @description the session */
            readonly sid?: string;
            readonly client_id?: string;
            /** @description the name of the account; an address only if it is verified */
            readonly username?: string;
            /** @description whether the address of the account is verified: by the user, or because an operator vouched for it */
            readonly email_verified?: boolean;
            readonly iss?: string;
            /** @description the audience; for a refresh token, this service */
            readonly aud?: string;
            /** @description seconds since the epoch */
            readonly iat?: number;
            /** @description seconds since the epoch */
            readonly exp?: number;
            /** @description access tokens only */
            readonly jti?: string;
            readonly cnf?: {
                /** @description thumbprint (RFC 7638) of the key to which the token is bound */
                readonly jkt: string;
            };
            /** @description when the user was authenticated, in seconds since the epoch */
            readonly auth_time?: number;
            /** @description how the user was authenticated (RFC 8176); absent if unknown */
            readonly amr?: readonly string[];
            /** @description `aal1`: by one factor, `aal2`: by several; absent if unknown */
            readonly acr?: string;
        } & {
            readonly [key: string]: unknown;
        };
        readonly OverviewSample: {
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly at: string;
            /** @description since the start of this replica. The same applies to `refreshes` and `refusals` */
            readonly logins: number;
            readonly refreshes: number;
            /** @description refused logins and refreshes by reason, such as `login invalid_credentials` */
            readonly refusals: {
                readonly [key: string]: number;
            };
            /** @description live sessions, an estimate above 100,000; null: the database does not answer */
            readonly sessions: number | null;
            /** @description mails that wait; null: the database does not answer */
            readonly mailsWaiting: number | null;
            /** @description events for the broker that wait; null: the database does not answer */
            readonly eventsWaiting: number | null;
            /** @description deliveries to enabled webhooks that wait; null: the database does not answer */
            readonly deliveriesWaiting: number | null;
        };
        readonly OverviewDependency: {
            readonly name: string;
            /** @enum {string} */
            readonly state: "up" | "down";
        };
        readonly OverviewKey: {
            readonly id: string;
            /** @enum {string} */
            readonly alg: "EdDSA" | "ES256" | "RS256";
            /**
             * @description `refused`: the service does not use the key, because it cannot be opened or was altered
             * @enum {string}
             */
            readonly state: "announced" | "signing" | "retired" | "refused";
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly announcedAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly signsFrom?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly publishedUntil?: string;
        };
        /**
         * @example {
         *       "replica": "kinship-1:3000",
         *       "samples": [
         *         {
         *           "at": "2026-01-02T03:04:05.678Z",
         *           "logins": 12,
         *           "refreshes": 345,
         *           "refusals": {
         *             "login invalid_credentials": 3
         *           },
         *           "sessions": 67,
         *           "mailsWaiting": 0,
         *           "eventsWaiting": 0,
         *           "deliveriesWaiting": 0
         *         }
         *       ],
         *       "dependencies": [
         *         {
         *           "name": "database",
         *           "state": "up"
         *         }
         *       ],
         *       "keys": []
         *     }
         */
        readonly Overview: {
            /** @description the replica that answers: host name and port. Logins, refreshes and refusals are those of this replica */
            readonly replica: string;
            readonly samples: readonly components["schemas"]["OverviewSample"][];
            readonly dependencies: readonly components["schemas"]["OverviewDependency"][];
            /** @description the keys of access tokens; null: they cannot be read now */
            readonly keys: readonly components["schemas"]["OverviewKey"][] | null;
        };
        /**
         * @example {
         *       "id": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *       "createdAt": "2026-01-02T03:04:05.678Z",
         *       "refreshedAt": "2026-01-02T03:19:05.123Z",
         *       "expiresAt": "2026-02-01T03:19:05.000Z",
         *       "createdIp": "192.0.2.7",
         *       "lastIp": "192.0.2.7",
         *       "userAgent": "Firefox 145 on Linux",
         *       "generation": 1,
         *       "userId": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *       "hashedRefreshTokenId": "kUx8JpTzv0y4…",
         *       "deviceName": "Ann’s phone",
         *       "claims": {
         *         "plan": "trial"
         *       }
         *     }
         */
        readonly OperatorsSession: {
            /** @description UUID */
            readonly id: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly refreshedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly expiresAt: string;
            readonly createdIp: string;
            readonly lastIp: string;
            /** @description the browser or app in words; an unknown user agent as the client sent it */
            readonly userAgent: string;
            /** @description how often the session was rotated */
            readonly generation: number;
            /** @description the name of the device; absent: it has none */
            readonly deviceName?: string;
            /** @description UUID */
            readonly userId: string;
            readonly hashedRefreshTokenId: string;
            /** @description claims that access tokens carry beside those of the service itself */
            readonly claims?: {
                readonly [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly endedAt?: string;
            /** @description why the session ended before its time */
            readonly endReason?: string;
        };
        readonly AuditEvent: {
            /** @description UUID */
            readonly id: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly time: string;
            /** @description what happened: see docs/audit.md */
            readonly type: string;
            readonly userId: string | null;
            readonly sessionId: string | null;
            readonly actor: {
                /** @enum {string} */
                readonly kind: "user" | "service_key" | "operator" | "system";
                /** @description the name of the service key or operator */
                readonly name?: string;
            };
            readonly address: string | null;
            readonly userAgent: string | null;
            /** @description the generation of the session after the change */
            readonly generation?: number;
            /** @description facts of this type of event */
            readonly data: {
                readonly [key: string]: unknown;
            };
        };
        /**
         * @example {
         *       "session": {
         *         "id": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *         "createdAt": "2026-01-02T03:04:05.678Z",
         *         "refreshedAt": "2026-01-02T03:19:05.123Z",
         *         "expiresAt": "2026-02-01T03:19:05.000Z",
         *         "createdIp": "192.0.2.7",
         *         "lastIp": "192.0.2.7",
         *         "userAgent": "Firefox 145 on Linux",
         *         "generation": 1,
         *         "userId": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *         "hashedRefreshTokenId": "kUx8JpTzv0y4…",
         *         "endedAt": "2026-01-02T03:04:05.678Z",
         *         "endReason": "reuse"
         *       },
         *       "data": [
         *         {
         *           "id": "58d83f6c-2927-427d-8c5b-456c6e2682ad",
         *           "time": "2026-01-02T03:04:05.678Z",
         *           "type": "sessions.reuse_detected",
         *           "userId": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *           "sessionId": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *           "actor": {
         *             "kind": "user"
         *           },
         *           "address": "198.51.100.7",
         *           "userAgent": "curl/8.14.1",
         *           "generation": 7,
         *           "data": {
         *             "presentedGeneration": 4,
         *             "presentedIat": 1767323045
         *           }
         *         }
         *       ]
         *     }
         */
        readonly SessionEventList: {
            /** @description null: the session ended so long ago that its row is gone */
            readonly session: components["schemas"]["OperatorsSession"] | null;
            readonly data: readonly components["schemas"]["AuditEvent"][];
            /** @description the cursor of the next page; absent on the last page */
            readonly nextCursor?: string;
        };
        /**
         * @example {
         *       "data": [
         *         {
         *           "id": "58d83f6c-2927-427d-8c5b-456c6e2682ad",
         *           "time": "2026-01-02T03:04:05.678Z",
         *           "type": "sessions.reuse_detected",
         *           "userId": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *           "sessionId": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *           "actor": {
         *             "kind": "user"
         *           },
         *           "address": "198.51.100.7",
         *           "userAgent": "curl/8.14.1",
         *           "generation": 7,
         *           "data": {
         *             "presentedGeneration": 4,
         *             "presentedIat": 1767323045
         *           }
         *         }
         *       ]
         *     }
         */
        readonly AuditEventList: {
            readonly data: readonly components["schemas"]["AuditEvent"][];
            /** @description the cursor of the next page; absent on the last page */
            readonly nextCursor?: string;
        };
        /**
         * @example {
         *       "disabledAt": "2026-01-02T03:04:05.678Z"
         *     }
         */
        readonly Disabled: {
            /** @description since when logins are refused; null: the user may log in */
            readonly disabledAt: string | null;
        };
        /**
         * @example {
         *       "claims": {
         *         "plan": "paid",
         *         "team": {
         *           "id": 7,
         *           "name": "red"
         *         }
         *       }
         *     }
         */
        readonly UserClaims: {
            /** @description claims that access tokens carry beside those of the service itself */
            readonly claims: {
                readonly [key: string]: unknown;
            };
        };
        readonly NewUserClaims: {
            /** @description claims that access tokens carry beside those of the service itself */
            readonly claims: {
                readonly [key: string]: unknown;
            };
        };
        readonly NewUser: {
            readonly username: string;
            readonly email: string;
            /** @description without it the user gets an invitation by mail */
            readonly password?: string;
            /** @description whether you vouch that the user receives mail at the address */
            readonly emailVerified?: boolean;
        };
        /**
         * @example {
         *       "id": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *       "username": "ann",
         *       "email": "ann@example.com",
         *       "emailVerified": true,
         *       "createdAt": "2026-01-02T03:04:05.678Z",
         *       "lastLoginAt": "2026-01-02T03:19:05.123Z",
         *       "roles": [],
         *       "factors": [
         *         "totp"
         *       ],
         *       "sessions": 2
         *     }
         */
        readonly OperatorsUser: {
            /** @description UUID */
            readonly id: string;
            readonly username: string;
            readonly email: string;
            /** @description whether the address was proved; an operator can vouch for it */
            readonly emailVerified: boolean;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly lastLoginAt?: string;
            readonly roles: readonly "operator"[];
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly disabledAt?: string;
            /** @description the kinds of second factors */
            readonly factors: readonly ("totp" | "passkey")[];
            /** @description the number of live sessions */
            readonly sessions: number;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "id": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *           "username": "ann",
         *           "email": "ann@example.com",
         *           "emailVerified": true,
         *           "createdAt": "2026-01-02T03:04:05.678Z",
         *           "lastLoginAt": "2026-01-02T03:19:05.123Z",
         *           "roles": [],
         *           "factors": [
         *             "totp"
         *           ],
         *           "sessions": 2
         *         }
         *       ]
         *     }
         */
        readonly UserList: {
            readonly items: readonly components["schemas"]["OperatorsUser"][];
            /** @description the cursor of the next page; absent on the last page */
            readonly nextCursor?: string;
        };
        readonly UserChanges: {
            readonly username?: string;
            readonly email?: string;
            /** @description whether you vouch that the user receives mail at the address */
            readonly emailVerified?: boolean;
        };
        readonly SessionChanges: {
            /** @description claims that access tokens carry beside those of the service itself */
            readonly claims?: {
                readonly [key: string]: unknown;
            };
            readonly deviceName?: string | null;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "id": "bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9",
         *           "createdAt": "2026-01-02T03:04:05.678Z",
         *           "refreshedAt": "2026-01-02T03:19:05.123Z",
         *           "expiresAt": "2026-02-01T03:19:05.000Z",
         *           "createdIp": "192.0.2.7",
         *           "lastIp": "192.0.2.7",
         *           "userAgent": "Firefox 145 on Linux",
         *           "generation": 1,
         *           "userId": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11",
         *           "hashedRefreshTokenId": "kUx8JpTzv0y4…"
         *         }
         *       ]
         *     }
         */
        readonly OperatorsSessionList: {
            readonly items: readonly components["schemas"]["OperatorsSession"][];
            /** @description the cursor of the next page; absent on the last page */
            readonly nextCursor?: string;
        };
        readonly NewWebhook: {
            /** @description where events are sent, by POST. https; http only to a network in WEBHOOKS_ALLOW_PRIVATE */
            readonly url: string;
            /** @description types of events; `sessions.*` is a group, `*` is everything */
            readonly types: readonly string[];
            /** @description default: true */
            readonly enabled?: boolean;
            /** @description the mail address that gets a message when the service disables the endpoint */
            readonly contact?: string;
            /**
             * @description `webhook`: CloudEvents with signatures of Standard Webhooks. `set`: Security Event Tokens. `logout-token`: OpenID Connect back-channel logout
             * @enum {string}
             */
            readonly format?: "webhook" | "set" | "logout-token";
            /** @description the `aud` of tokens; not for `webhook` */
            readonly audience?: string;
        };
        /**
         * @example {
         *       "id": "5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11",
         *       "url": "https://hooks.example.com/kinship",
         *       "types": [
         *         "sessions.*",
         *         "users.deleted"
         *       ],
         *       "format": "webhook",
         *       "state": "enabled",
         *       "createdAt": "2026-01-02T03:04:05.678Z",
         *       "secret": "whsec_…"
         *     }
         */
        readonly AddedWebhook: {
            /** @description UUID */
            readonly id: string;
            readonly url: string;
            readonly types: readonly string[];
            /**
             * @description `webhook`: CloudEvents with signatures of Standard Webhooks. `set`: Security Event Tokens. `logout-token`: OpenID Connect back-channel logout
             * @enum {string}
             */
            readonly format: "webhook" | "set" | "logout-token";
            readonly audience?: string;
            readonly contact?: string;
            /** @description the name of the service key whose Shared Signals stream this is */
            readonly receiver?: string;
            /** @enum {string} */
            readonly state: "enabled" | "paused" | "disabled";
            /**
             * @description `receiver`: the receiver of the stream disabled it. `gone`: it answered 410. `dead`: every delivery failed for five days
             * @enum {string}
             */
            readonly disabledBecause?: "operator" | "receiver" | "gone" | "dead";
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly failingSince?: string;
            /** @description true for an endpoint of WEBHOOKS_FILE. Only its state can be changed by the API */
            readonly declared?: boolean;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly createdAt: string;
            /** @description verifies the signatures. No other answer contains it. Absent for endpoints that get tokens */
            readonly secret?: string;
        };
        /**
         * @example {
         *       "id": "5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11",
         *       "url": "https://hooks.example.com/kinship",
         *       "types": [
         *         "sessions.*",
         *         "users.deleted"
         *       ],
         *       "format": "webhook",
         *       "state": "enabled",
         *       "createdAt": "2026-01-02T03:04:05.678Z"
         *     }
         */
        readonly Webhook: {
            /** @description UUID */
            readonly id: string;
            readonly url: string;
            readonly types: readonly string[];
            /**
             * @description `webhook`: CloudEvents with signatures of Standard Webhooks. `set`: Security Event Tokens. `logout-token`: OpenID Connect back-channel logout
             * @enum {string}
             */
            readonly format: "webhook" | "set" | "logout-token";
            readonly audience?: string;
            readonly contact?: string;
            /** @description the name of the service key whose Shared Signals stream this is */
            readonly receiver?: string;
            /** @enum {string} */
            readonly state: "enabled" | "paused" | "disabled";
            /**
             * @description `receiver`: the receiver of the stream disabled it. `gone`: it answered 410. `dead`: every delivery failed for five days
             * @enum {string}
             */
            readonly disabledBecause?: "operator" | "receiver" | "gone" | "dead";
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly failingSince?: string;
            /** @description true for an endpoint of WEBHOOKS_FILE. Only its state can be changed by the API */
            readonly declared?: boolean;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly createdAt: string;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "id": "5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11",
         *           "url": "https://hooks.example.com/kinship",
         *           "types": [
         *             "sessions.*",
         *             "users.deleted"
         *           ],
         *           "format": "webhook",
         *           "state": "enabled",
         *           "createdAt": "2026-01-02T03:04:05.678Z"
         *         }
         *       ]
         *     }
         */
        readonly WebhookList: {
            readonly items: readonly components["schemas"]["Webhook"][];
        };
        readonly WebhookChange: {
            /** @description where events are sent, by POST. https; http only to a network in WEBHOOKS_ALLOW_PRIVATE */
            readonly url?: string;
            /** @description types of events; `sessions.*` is a group, `*` is everything */
            readonly types?: readonly string[];
            readonly enabled?: boolean;
            readonly contact?: string | null;
        };
        /**
         * @example {
         *       "secret": "whsec_…",
         *       "formerSignsUntil": "2026-01-02T03:04:05.678Z"
         *     }
         */
        readonly RotatedWebhookSecret: {
            /** @description the new secret. No other answer contains it */
            readonly secret: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            readonly formerSignsUntil: string;
        };
        /**
         * @example {
         *       "items": [
         *         {
         *           "eventId": "0b7c9a52-6d6e-4d0e-9f0b-1c9c4f6f5c55",
         *           "type": "sessions.revoked",
         *           "occurredAt": "2026-01-02T03:04:05.678Z",
         *           "state": "delivered",
         *           "attempts": [
         *             {
         *               "at": "2026-01-02T03:04:05.678Z",
         *               "milliseconds": 12,
         *               "status": 204
         *             }
         *           ]
         *         }
         *       ]
         *     }
         */
        readonly WebhookDeliveries: {
            readonly items: readonly {
                /** @description UUID */
                readonly eventId: string;
                readonly type: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                readonly occurredAt: string;
                /**
                 * @description `failed`: no further attempt is made, unless the event is sent again
                 * @enum {string}
                 */
                readonly state: "pending" | "delivered" | "failed";
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                readonly nextAttemptAt?: string;
                /** @description oldest first */
                readonly attempts: readonly {
                    /**
                     * Format: date-time
                     * @description RFC 3339, UTC
                     */
                    readonly at: string;
                    readonly milliseconds: number;
                    /** @description the HTTP status of the answer; absent if the endpoint did not answer */
                    readonly status?: number;
                    /** @description why the attempt failed */
                    readonly reason?: string;
                }[];
            }[];
            /** @description the cursor of the next page; absent on the last page */
            readonly nextCursor?: string;
        };
        /** @description the events from `from` (inclusive) to `to` (exclusive) */
        readonly WebhookSpan: {
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            /** @description default: false */
            readonly onlyFailed?: boolean;
        };
        /**
         * @example {
         *       "count": 17,
         *       "more": false
         *     }
         */
        readonly WebhooksSentAgain: {
            readonly count: number;
            /** @description whether the period may have further events */
            readonly more: boolean;
            /**
             * Format: date-time
             * @description the value of `from` for the next request; absent if there are no further events
             */
            readonly next?: string;
        };
        readonly NewStream: {
            readonly delivery: {
                /**
                 * @description push by POST (RFC 8935)
                 * @enum {string}
                 */
                readonly method: "urn:ietf:rfc:8935";
                readonly endpoint_url: string;
                /** @description the value of `Authorization` in each delivery; it is never shown again */
                readonly authorization_header?: string;
            };
            /** @description default: all that are supported */
            readonly events_requested?: readonly string[];
            readonly description?: string;
        };
        /**
         * @example {
         *       "stream_id": "5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11",
         *       "iss": "https://auth.example.com",
         *       "aud": "shop",
         *       "delivery": {
         *         "method": "urn:ietf:rfc:8935",
         *         "endpoint_url": "https://receiver.example.com/events"
         *       },
         *       "events_supported": [
         *         "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
         *         "https://schemas.openid.net/secevent/caep/event-type/credential-change",
         *         "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change"
         *       ],
         *       "events_requested": [
         *         "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
         *       ],
         *       "events_delivered": [
         *         "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
         *       ],
         *       "min_verification_interval": 30,
         *       "description": "Sessions that end"
         *     }
         */
        readonly Stream: {
            readonly stream_id: string;
            readonly iss: string;
            /** @description the `aud` of the tokens: the name of the service key */
            readonly aud: string;
            readonly delivery: {
                readonly method: string;
                readonly endpoint_url: string;
            };
            readonly events_supported: readonly string[];
            readonly events_requested: readonly string[];
            readonly events_delivered: readonly string[];
            /** @description seconds */
            readonly min_verification_interval: number;
            readonly description?: string;
        };
        /**
         * @example {
         *       "stream_id": "5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11",
         *       "iss": "https://auth.example.com",
         *       "aud": "shop",
         *       "delivery": {
         *         "method": "urn:ietf:rfc:8935",
         *         "endpoint_url": "https://receiver.example.com/events"
         *       },
         *       "events_supported": [
         *         "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
         *         "https://schemas.openid.net/secevent/caep/event-type/credential-change",
         *         "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change"
         *       ],
         *       "events_requested": [
         *         "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
         *       ],
         *       "events_delivered": [
         *         "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
         *       ],
         *       "min_verification_interval": 30,
         *       "description": "Sessions that end"
         *     }
         * @example [
         *       {
         *         "stream_id": "5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11",
         *         "iss": "https://auth.example.com",
         *         "aud": "shop",
         *         "delivery": {
         *           "method": "urn:ietf:rfc:8935",
         *           "endpoint_url": "https://receiver.example.com/events"
         *         },
         *         "events_supported": [
         *           "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
         *           "https://schemas.openid.net/secevent/caep/event-type/credential-change",
         *           "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change"
         *         ],
         *         "events_requested": [
         *           "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
         *         ],
         *         "events_delivered": [
         *           "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
         *         ],
         *         "min_verification_interval": 30,
         *         "description": "Sessions that end"
         *       }
         *     ]
         */
        readonly StreamOrStreams: components["schemas"]["Stream"] | readonly components["schemas"]["Stream"][];
        readonly StreamChange: {
            /** @description the id of a stream */
            readonly stream_id: string;
            readonly delivery?: {
                /**
                 * @description push by POST (RFC 8935)
                 * @enum {string}
                 */
                readonly method: "urn:ietf:rfc:8935";
                readonly endpoint_url: string;
                /** @description the value of `Authorization` in each delivery; it is never shown again */
                readonly authorization_header?: string;
            };
            /** @description default: all that are supported */
            readonly events_requested?: readonly string[];
            readonly description?: string;
            readonly iss?: string;
            /** @description the `aud` of the tokens: the name of the service key */
            readonly aud?: string;
            readonly events_supported?: readonly string[];
            readonly events_delivered?: readonly string[];
            readonly min_verification_interval?: number;
        };
        readonly StreamReplacement: {
            /** @description the id of a stream */
            readonly stream_id: string;
            readonly delivery: {
                /**
                 * @description push by POST (RFC 8935)
                 * @enum {string}
                 */
                readonly method: "urn:ietf:rfc:8935";
                readonly endpoint_url: string;
                /** @description the value of `Authorization` in each delivery; it is never shown again */
                readonly authorization_header?: string;
            };
            /** @description default: all that are supported */
            readonly events_requested?: readonly string[];
            readonly description?: string;
            readonly iss?: string;
            /** @description the `aud` of the tokens: the name of the service key */
            readonly aud?: string;
            readonly events_supported?: readonly string[];
            readonly events_delivered?: readonly string[];
            readonly min_verification_interval?: number;
        };
        /**
         * @example {
         *       "stream_id": "5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11",
         *       "status": "paused",
         *       "reason": "An upgrade"
         *     }
         */
        readonly StreamStatus: {
            readonly stream_id: string;
            /**
             * @description `paused`: events are kept for seven days and sent later. `disabled`: events are not kept
             * @enum {string}
             */
            readonly status: "enabled" | "paused" | "disabled";
            readonly reason?: string;
        };
        readonly NewStreamStatus: {
            /** @description the id of a stream */
            readonly stream_id: string;
            /**
             * @description `paused`: events are kept for seven days and sent later. `disabled`: events are not kept
             * @enum {string}
             */
            readonly status: "enabled" | "paused" | "disabled";
            readonly reason?: string;
        };
        readonly StreamVerification: {
            /** @description the id of a stream */
            readonly stream_id: string;
            /** @description is returned in the verification event */
            readonly state?: string;
        };
        /**
         * @example {
         *       "issuer": "https://auth.example.com",
         *       "token_endpoint": "https://auth.example.com/oauth/token",
         *       "revocation_endpoint": "https://auth.example.com/oauth/revoke",
         *       "introspection_endpoint": "https://auth.example.com/oauth/introspect",
         *       "jwks_uri": "https://auth.example.com/.well-known/jwks.json",
         *       "service_documentation": "https://auth.example.com/docs",
         *       "response_types_supported": [],
         *       "grant_types_supported": [
         *         "refresh_token"
         *       ],
         *       "token_endpoint_auth_methods_supported": [
         *         "none",
         *         "client_secret_basic"
         *       ],
         *       "revocation_endpoint_auth_methods_supported": [
         *         "none",
         *         "client_secret_basic"
         *       ],
         *       "introspection_endpoint_auth_methods_supported": [
         *         "client_secret_basic"
         *       ],
         *       "acr_values_supported": [
         *         "aal1",
         *         "aal2"
         *       ],
         *       "dpop_signing_alg_values_supported": [
         *         "ES256",
         *         "ES384",
         *         "Ed25519",
         *         "EdDSA",
         *         "PS256",
         *         "RS256"
         *       ]
         *     }
         */
        readonly ServerMetadata: {
            readonly issuer: string;
            readonly token_endpoint: string;
            readonly revocation_endpoint: string;
            readonly introspection_endpoint: string;
            readonly jwks_uri: string;
            readonly service_documentation: string;
            readonly response_types_supported: readonly string[];
            readonly grant_types_supported: readonly string[];
            readonly token_endpoint_auth_methods_supported: readonly string[];
            readonly revocation_endpoint_auth_methods_supported: readonly string[];
            readonly introspection_endpoint_auth_methods_supported: readonly string[];
            readonly acr_values_supported: readonly string[];
            readonly dpop_signing_alg_values_supported: readonly string[];
        };
        /**
         * @example {
         *       "spec_version": "1_0",
         *       "issuer": "https://auth.example.com",
         *       "jwks_uri": "https://auth.example.com/.well-known/jwks.json",
         *       "delivery_methods_supported": [
         *         "urn:ietf:rfc:8935"
         *       ],
         *       "configuration_endpoint": "https://auth.example.com/signals/streams",
         *       "status_endpoint": "https://auth.example.com/signals/status",
         *       "verification_endpoint": "https://auth.example.com/signals/verification",
         *       "critical_subject_members": [
         *         "user",
         *         "session"
         *       ],
         *       "authorization_schemes": [
         *         {
         *           "spec_urn": "urn:ietf:rfc:6750"
         *         }
         *       ],
         *       "default_subjects": "ALL"
         *     }
         */
        readonly TransmitterConfiguration: {
            readonly spec_version: string;
            readonly issuer: string;
            readonly jwks_uri: string;
            readonly delivery_methods_supported: readonly string[];
            readonly configuration_endpoint: string;
            readonly status_endpoint: string;
            readonly verification_endpoint: string;
            readonly critical_subject_members: readonly string[];
            readonly authorization_schemes: readonly {
                readonly spec_urn: string;
            }[];
            readonly default_subjects: string;
        };
        readonly PublicKey: {
            readonly kid: string;
            /** @enum {string} */
            readonly use: "sig";
            /** @enum {string} */
            readonly alg: "EdDSA" | "ES256" | "RS256";
            readonly kty: string;
            readonly crv?: string;
            readonly x?: string;
            readonly y?: string;
            readonly n?: string;
            readonly e?: string;
        };
        /**
         * @example {
         *       "keys": [
         *         {
         *           "kid": "1",
         *           "use": "sig",
         *           "alg": "EdDSA",
         *           "kty": "OKP",
         *           "crv": "Ed25519",
         *           "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
         *         }
         *       ]
         *     }
         */
        readonly KeySet: {
            readonly keys: readonly components["schemas"]["PublicKey"][];
        };
        /**
         * @example {
         *       "status": "up"
         *     }
         */
        readonly Liveness: {
            /** @enum {string} */
            readonly status: "up";
        };
        /**
         * @example {
         *       "status": "up",
         *       "dependencies": {
         *         "database": "up",
         *         "capacity": "up"
         *       }
         *     }
         */
        readonly Readiness: {
            /** @enum {string} */
            readonly status: "up" | "down";
            readonly dependencies: {
                readonly [key: string]: "up" | "down";
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
