namespace Streams.Cluster;

/// <summary>What a request to etcd came to instead of an answer.</summary>
internal enum EtcdFaultKind
{
    /// <summary>No answer, or one of a member that cannot serve now: ask the next. Of a write nobody knows whether it was done.</summary>
    Unanswered,

    /// <summary>Etcd refused without doing anything, for now.</summary>
    Overloaded,

    /// <summary>Etcd refused without doing anything, and a person must mend it.</summary>
    Refused,

    /// <summary>The token is over: log in again.</summary>
    Unauthenticated,

    /// <summary>The lease is not there any more.</summary>
    LeaseNotFound,

    /// <summary>The revision asked for is compacted.</summary>
    Compacted,
}

/// <summary>A request to etcd without a good answer.</summary>
internal sealed class EtcdFaultException(EtcdFaultKind kind, string message, Exception? cause = null) : Exception(message, cause)
{
    public EtcdFaultKind Kind { get; } = kind;

    /// <summary>Sorts what the gateway says by its gRPC code.</summary>
    public static EtcdFaultException Of(Uri endpoint, int code, int status, string message)
    {
        EtcdFaultKind kind = message switch
        {
            _ when message.Contains("requested lease not found", StringComparison.Ordinal) => EtcdFaultKind.LeaseNotFound,
            _ when message.Contains("has been compacted", StringComparison.Ordinal) => EtcdFaultKind.Compacted,
            _ when message.Contains("invalid auth token", StringComparison.Ordinal) => EtcdFaultKind.Unauthenticated,
            _ when message.Contains("old revision", StringComparison.Ordinal) => EtcdFaultKind.Unauthenticated,
            _ => code switch
            {
                8 => EtcdFaultKind.Overloaded,                              // resource exhausted: no space, too many requests
                3 or 5 or 6 or 7 or 9 or 11 or 12 => EtcdFaultKind.Refused,  // invalid, not found, exists, permission, precondition, …
                16 => EtcdFaultKind.Unauthenticated,
                _ when code == 0 && status is 400 or 401 or 403 or 404 => EtcdFaultKind.Refused,
                _ => EtcdFaultKind.Unanswered,
            },
        };
        return new EtcdFaultException(kind, $"etcd at {endpoint.Authority}: {message} (status {status})");
    }
}
