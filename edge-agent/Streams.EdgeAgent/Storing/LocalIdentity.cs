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
    public ProducerId ProducerOf(string client)
    {
        byte[] name = new byte[ProducerId.Size + Encoding.UTF8.GetByteCount(client)];
        Store.Write(name);
        Encoding.UTF8.GetBytes(client, name.AsSpan(ProducerId.Size));
        return ProducerId.Read(SHA256.HashData(name));
    }
}
