using System.Text;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Where what is stored here goes on to, for agents that send to an agent (docs/sdk-protocol.md).</summary>
public sealed partial class MqttGateway
{
    /// <summary>Tells the agents that are connected that the path is another one.</summary>
    public void TellPath()
    {
        if (_services.Path is { } path)
        {
            byte[] message = Encoding.UTF8.GetBytes(path());
            foreach (MqttSession session in _sessions.Values)
            {
                if (session.Client.SendsBundles && session.Sdk.TrySend(ProtocolTopics.Path, message))
                {
                    _ = FlushQuietlyAsync(session);
                }
            }
        }
    }

    private static async Task FlushQuietlyAsync(MqttSession session)
    {
        try
        {
            await session.Connection.FlushAsync(session.Stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The client is gone, and asks again when it comes back.
        }
    }
}
