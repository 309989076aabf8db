namespace Streams.Mqtt;

/// <summary>The connection is gone: closed by the peer, by this side, or by a failure that is the inner exception. Connect again.</summary>
public sealed class MqttConnectionClosedException : IOException
{
    /// <summary>Makes the error.</summary>
    public MqttConnectionClosedException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Whether it was given up because nothing more was heard of the peer: maybe it is this side's network.</summary>
    public bool PeerWasSilent { get; init; }
}
