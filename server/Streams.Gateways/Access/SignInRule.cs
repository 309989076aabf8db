namespace Streams.Gateways;

/// <summary>What a client shows to be let in at a listener.</summary>
public enum SignInRule
{
    /// <summary>Nothing: everybody is let in, under no user name, whatever it says.</summary>
    None,

    /// <summary>User name and password.</summary>
    Password,

    /// <summary>A certificate, which the handshake has checked.</summary>
    Certificate,
}
