import type { Passkey } from '../../domain/second-factor.ts';

/** PublicKeyCredentialDescriptorJSON of WebAuthn level 3. */
interface NamedCredential {
  readonly id: string;
  readonly type: 'public-key';
  readonly transports?: string[];
}

/** The options of `navigator.credentials.create`: PublicKeyCredentialCreationOptionsJSON of WebAuthn level 3. */
export interface CreationOptions {
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly challenge: string;
  readonly pubKeyCredParams: { readonly alg: number; readonly type: 'public-key' }[];
  readonly timeout: number;
  readonly excludeCredentials: NamedCredential[];
  readonly authenticatorSelection: {
    readonly residentKey: 'required';
    readonly requireResidentKey: true;
    readonly userVerification: 'preferred';
  };
  readonly attestation: 'none';
}

/** The options of `navigator.credentials.get`: PublicKeyCredentialRequestOptionsJSON of WebAuthn level 3. */
export interface RequestOptions {
  readonly rpId: string;
  readonly challenge: string;
  readonly timeout: number;
  /** Empty: any passkey for this service. */
  readonly allowCredentials: NamedCredential[];
  readonly userVerification: 'preferred' | 'required';
}

/** The answer of a browser, unverified: RegistrationResponseJSON or AuthenticationResponseJSON. */
export interface CredentialAnswer {
  readonly id: string;
  readonly response: Readonly<Record<string, unknown>>;
}

/** What an assertion tells in addition to the possession of the key. */
export interface Assertion {
  readonly signCount: number;
  readonly isBackupEligible: boolean;
}

/** Passkeys (WebAuthn). The browser signs the nonce (base64url) as its challenge. */
export interface Passkeys {
  creationOptions(input: {
    readonly nonce: string;
    readonly user: { readonly id: string; readonly username: string };
    readonly existing: readonly Passkey[];
  }): CreationOptions;

  requestOptions(input: {
    readonly nonce: string;
    readonly allowed: readonly Passkey[];
    readonly userVerification: RequestOptions['userVerification'];
  }): RequestOptions;

  /** The new passkey; null if the answer is not valid for the nonce. */
  verifyRegistration(answer: CredentialAnswer, nonce: string): Promise<Passkey | null>;

  /** Null if the answer is not valid for the passkey and the nonce, or lacks a required verification of the user. */
  verifyAssertion(
    answer: CredentialAnswer,
    expected: {
      readonly nonce: string;
      readonly passkey: Passkey;
      readonly requireUserVerification: boolean;
    },
  ): Promise<Assertion | null>;
}
