using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Who a store is.</summary>
/// <param name="Origin">What its own lanes are under: the agent's name and the file's incarnation.</param>
/// <param name="Store">Random id of the file.</param>
/// <param name="Epoch">Random id of this opening (rule R7): a file put back from an old copy gives no identity twice.</param>
internal sealed record LocalIdentity(Origin Origin, ProducerId Store, ulong Epoch)
{
    /// <summary>The producer that a client without an outbox is. It is this client's at this agent: at another agent, or on another disk,
    /// it is another, for each has a session of its own at the cluster and must not shut the other out (rule R2).</summary>
    /// <param name="client">The client id, which has no U+0000 in it.</param>
    /// <param name="line">Which of its lines: a producer each, as events of different ones may overtake each other.</param>
    public ProducerId ProducerOf(string client, int line = ClientLine.Plain)
    {
        if (line != ClientLine.Plain)
        {
            client = string.Create(CultureInfo.InvariantCulture, $"{client}\0{line}");
        }

        byte[] name = new byte[ProducerId.Size + Encoding.UTF8.GetByteCount(client)];
        Store.Write(name);
        Encoding.UTF8.GetBytes(client, name.AsSpan(ProducerId.Size));
        return ProducerId.Read(SHA256.HashData(name));
    }
}

/// <summary>The lines of a client without an outbox.</summary>
internal static class ClientLine
{
    /// <summary>What takes no route: here and at the clusters.</summary>
    public const int Plain = 0;

    /// <summary>What takes a route, as it stands here. It never goes up under this identity: sequences of what goes up have no holes,
    /// whatever is dropped.</summary>
    public const int Routed = 1;

    /// <summary>What goes up by routes of a priority.</summary>
    public static int Up(int priority) => 2 + priority;
}
