using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Batches of several producers and partitions in one message: given to the store in their order, all before anything is waited
/// for, and answered together when each is flushed or refused. A refusal of one says nothing of the others.</summary>
internal sealed class BundleHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Bundle;

    /// <summary>Makes the streams of first batches: batches that follow must not overtake them.</summary>
    public async ValueTask PrepareAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        foreach (ReadOnlyMemory<byte> request in Bundle.Read(payload) ?? [])
        {
            await ProduceHandler.EnsureStreamAsync(session, request).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public int Held(ReadOnlyMemory<byte> payload)
    {
        long bytes = payload.Length;
        foreach (ReadOnlyMemory<byte> request in Bundle.Read(payload) ?? [])
        {
            bytes += ProduceHandler.Unpacked(request);
        }

        return (int)Math.Min(bytes, int.MaxValue);
    }

    /// <inheritdoc/>
    public Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (Bundle.Read(payload) is not { } requests)
        {
            return Task.FromResult(SdkAnswers.Malformed("bundle"));
        }

        BatchAnswer[] answers = new BatchAnswer[requests.Count];
        List<ProducedBatch> produced = new(requests.Count);
        List<int> places = new(requests.Count);
        for (int i = 0; i < answers.Length; i++)
        {
            if (ProduceHandler.Check(session, requests[i], out ProducedBatch batch) is { } refusal)
            {
                answers[i] = Of(refusal);
            }
            else
            {
                produced.Add(batch);
                places.Add(i);
            }
        }

        return AnswerAsync(session, answers, produced, places, session.Services.Store.ProduceAll(produced));
    }

    private static async Task<Answer> AnswerAsync(MqttSession session, BatchAnswer[] answers, List<ProducedBatch> produced,
        List<int> places, IReadOnlyList<Task<ProduceResult>> results)
    {
        (long First, long Last)[] runs = new (long, long)[answers.Length];
        for (int i = 0; i < results.Count; i++)
        {
            SequenceRun run = produced[i].Batch.Header.Run;
            runs[places[i]] = (run.First, run.Last);
            Answer answer;
            try
            {
                answer = ProduceHandler.ToAnswer(session, produced[i], await results[i].ConfigureAwait(false));
            }
            catch (Exception e) when (e is StreamsException or OperationCanceledException)
            {
                answer = Answer.To(e, MqttReasonCode.PayloadFormatInvalid);
            }

            answers[places[i]] = Of(answer);
        }

        return new Answer(MqttReasonCode.Success, null, null, BundleAnswers.Write(answers, runs));
    }

    private static BatchAnswer Of(in Answer answer) => new((byte)answer.Code, answer.Reason ?? string.Empty, answer.Placed ?? []);
}
