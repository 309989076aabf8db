using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Many producers present themselves on one connection: each learns what is held of it, and its older sessions are shut out; the
/// others on the connection are left alone.</summary>
internal sealed class HellosHandler : ISdkHandler
{
    private const int ReplyBytes = 256 << 10;        // one producer may go over it

    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Hellos;

    /// <inheritdoc/>
    public async Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (HellosRequest.Read(payload) is not { } request)
        {
            return SdkAnswers.Malformed("hellos");
        }

        SdkConnection sdk = session.Sdk;
        foreach (ProducerId leaving in request.Leaving)
        {
            sdk.Producers.Remove(leaving);
        }

        int more = request.Producers.Count(p => !sdk.Producers.ContainsKey(p.Producer));
        if (sdk.Producers.Count + more > sdk.MaxProducers)
        {
            return new Answer(MqttReasonCode.ImplementationSpecificError, $"at most {sdk.MaxProducers} producers on one connection: "
                + $"it has {sdk.Producers.Count}, hellos names {more} more; let some leave, or use another connection");
        }

        IEventStore store = session.Services.Store;
        ReplyPages pages = new(sdk, request, store);
        foreach (ProducerHello hello in request.Producers)
        {
            sdk.Producers[hello.Producer] = store.BeginProducer(hello.Producer);
            pages.Add(hello);
        }

        pages.Send(isLast: true);
        await session.Connection.FlushAsync(session.Stopping).ConfigureAwait(false);
        return Answer.Taken;
    }

    // The answer, in messages of about a size that every client takes.
    private sealed class ReplyPages(SdkConnection sdk, HellosRequest request, IEventStore store)
    {
        private readonly List<ProducerHeld> _producers = [];
        private readonly Dictionary<StreamPath, int> _streams = [];
        private int _bytes;

        public void Add(ProducerHello hello)
        {
            const int AboutPartition = 64;
            const int AboutRun = 96;
            if (_bytes > ReplyBytes)
            {
                Send(isLast: false);
            }

            ProducerHeld told = new(hello.Producer, SdkDecisions.Held(store, hello.Producer, hello.Waiting, _streams));
            _producers.Add(told);
            _bytes += ProducerId.Size + told.Held.Sum(static h => AboutPartition + (h.Runs.Count * AboutRun));
        }

        public void Send(bool isLast)
        {
            HellosReply reply = new(request.Correlation, store.Origin, isLast, _producers,
                [.. _streams.Select(static s => (s.Key, s.Value))]);
            sdk.Send(ProtocolTopics.HellosReply, reply.Write);
            _producers.Clear();
            _streams.Clear();
            _bytes = 0;
        }
    }
}
